import type { JobPatch } from "../api/schema";
import type { Server } from "../api/types";
import { shellLine } from "./command-line";
import { splitWords } from "./words";

/** What stands for a value that the API does not show; sent back it stays as it is. */
export const MASK = "********";

export interface EnvRow {
  name: string;
  value: string;
  secret: boolean;
}

/** The settings of a workspace as they are typed. */
export interface Settings {
  image: string;
  cpu: string;
  memory: string;
  storage: string;
  /** `PORT[:NAME]`, by comma. */
  ports: string;
  /** Split as a shell does. */
  command: string;
  /** One a line. */
  args: string;
  env: readonly EnvRow[];
  /** `KEY=value`, one a line. */
  labels: string;
  /** "" for GuildNet alone. */
  exposure: "" | "LoadBalancer" | "Ingress";
  domain: string;
  notes: string;
}

export type SettingName = keyof Settings;

export const SETTING_LABEL: Readonly<Record<SettingName, string>> = {
  image: "Image",
  cpu: "CPU",
  memory: "Memory",
  storage: "Files",
  ports: "Ports",
  command: "Command",
  args: "Arguments",
  env: "Environment",
  labels: "Labels",
  exposure: "Reached",
  domain: "Domain",
  notes: "Notes",
};

export function settingsOf(server: Server): Settings {
  return {
    image: server.image,
    cpu: server.resources?.cpu ?? "",
    memory: server.resources?.memory ?? "",
    storage: server.storage?.size ?? "",
    ports: (server.ports ?? []).map(({ port, name }) => (name && name !== `p-${port}` ? `${port}:${name}` : String(port))).join(", "),
    command: shellLine(server.command),
    args: (server.args ?? []).join("\n"),
    env: Object.entries(server.env ?? {}).map(([name, value]) => ({ name, value, secret: value === MASK })),
    labels: Object.entries(server.labels ?? {}).map(([key, value]) => `${key}=${value}`).join("\n"),
    exposure: server.exposure?.type === "ClusterIP" ? "" : (server.exposure?.type ?? ""),
    domain: server.exposure?.domain ?? "",
    notes: server.notes ?? "",
  };
}

export type Problems = Partial<Record<SettingName, string>>;

/** What PATCH is sent to get from one to the other: nothing that is as it was. */
export function patchOf(before: Settings, after: Settings): { patch: JobPatch; problems: Problems } {
  const [patch, problems]: [JobPatch, Problems] = [{}, {}];
  const [old, now] = [before, trimmed(after)];
  if (now.image !== old.image) {
    if (now.image) patch.image = now.image;
    else problems.image = "Which image? For example docker.io/library/nginx:1.29";
  }
  const resources: Record<string, string | null> = {};
  for (const kind of ["cpu", "memory"] as const) if (now[kind] !== old[kind]) resources[kind] = now[kind] || null;
  if (Object.keys(resources).length > 0) patch.resources = resources;
  if (now.storage !== old.storage) patch.storage = now.storage ? { size: now.storage } : null;
  if (now.ports !== old.ports) {
    const { expose, problem } = portsOf(now.ports);
    if (problem) problems.ports = problem;
    else patch.expose = expose.length > 0 ? expose : null;
  }
  if (now.command !== old.command) {
    const words = splitWords(now.command);
    if (words) patch.command = words.length > 0 ? words : null;
    else problems.command = "a quote is not closed";
  }
  if (now.args !== old.args) patch.args = now.args ? now.args.split("\n") : null;
  const env = envPatch(old.env, now.env);
  if (env.problem) problems.env = env.problem;
  else if (Object.keys(env.changes).length > 0) patch.env = env.changes;
  const labels = labelsPatch(old.labels, now.labels);
  if (labels.problem) problems.labels = labels.problem;
  else if (Object.keys(labels.changes).length > 0) patch.labels = labels.changes;
  if (now.exposure !== old.exposure || now.domain !== old.domain) {
    const domain = now.exposure === "Ingress" && now.domain ? { domain: now.domain } : {};
    patch.exposure = now.exposure ? { type: now.exposure, ...domain } : null;
  }
  if (now.notes !== old.notes) patch.notes = now.notes || null;
  return { patch, problems };
}

function trimmed(settings: Settings): Settings {
  const text = (["image", "cpu", "memory", "storage", "ports", "command", "domain"] as const).map((name) => [name, settings[name].trim()]);
  return { ...settings, ...Object.fromEntries(text) };
}

function portsOf(text: string): { expose: { port: number; name?: string }[]; problem?: string } {
  const expose: { port: number; name?: string }[] = [];
  for (const item of text.split(/[\s,]+/).filter(Boolean)) {
    const [number = "", name] = item.split(":", 2);
    const port = Number(number);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) return { expose, problem: `“${item}” is not a port between 1 and 65535` };
    expose.push({ port, ...(name ? { name } : {}) });
  }
  return { expose };
}

function envPatch(before: readonly EnvRow[], after: readonly EnvRow[]) {
  const changes: NonNullable<JobPatch["env"]> = {};
  const rows = after.filter((row) => row.name.trim() || row.value);
  const names = rows.map((row) => row.name.trim());
  const wrong = names.find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (wrong !== undefined) return { changes, problem: wrong ? `“${wrong}” is not a name: letters, digits and _` : "A value without a name" };
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) return { changes, problem: `${twice} is there twice` };
  const old = new Map(before.map((row) => [row.name, row]));
  for (const row of rows) {
    const was = old.get(row.name.trim());
    old.delete(row.name.trim());
    if (was && was.value === row.value && was.secret === row.secret) continue;
    if (was && row.value === MASK) continue;
    changes[row.name.trim()] = row.secret ? { value: row.value, secret: true } : row.value;
  }
  for (const name of old.keys()) changes[name] = null;
  return { changes };
}

function labelsPatch(before: string, after: string) {
  const changes: Record<string, string | null> = {};
  const [old, now] = [pairs(before), pairs(after)];
  if (now.problem) return { changes, problem: now.problem };
  for (const [key, value] of now.found) if (old.found.get(key) !== value) changes[key] = value;
  for (const key of old.found.keys()) if (!now.found.has(key)) changes[key] = null;
  return { changes };
}

function pairs(text: string): { found: Map<string, string>; problem?: string } {
  const found = new Map<string, string>();
  for (const line of text.split("\n").map((one) => one.trim()).filter(Boolean)) {
    const at = line.indexOf("=");
    if (at < 1) return { found, problem: `“${line}” is not KEY=value` };
    found.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  return { found };
}

/** What of a patch takes a new pod, and so ends what runs in the old one. */
const IN_THE_POD: Readonly<Record<string, string>> = {
  image: "image",
  command: "command",
  args: "arguments",
  env: "environment",
  resources: "CPU and memory",
  expose: "ports",
};

export interface Effect {
  /** Whether what runs is ended and started again. */
  restarts: boolean;
  /** One sentence, to be read before saving. */
  text: string;
  /** Whether files that are not kept go with it. */
  loses: boolean;
}

/** What saving does to a workspace as it is now. Nothing is said of a patch that changes nothing. */
export function effectOf(server: Server, patch: JobPatch): Effect | undefined {
  const changed = Object.keys(patch);
  if (changed.length === 0) return undefined;
  const mounts = "storage" in patch && (server.storage === undefined) !== (patch.storage === null || patch.storage === undefined);
  const why = [...changed.flatMap((name) => IN_THE_POD[name] ?? []), ...(mounts ? ["volume"] : [])];
  if (server.status === "stopped") return { restarts: false, loses: false, text: "It is stopped: what you change holds from its next start on." };
  if (why.length === 0) {
    const grows = "storage" in patch ? " The volume grows where its storage class allows that; it never shrinks." : "";
    return { restarts: false, loses: false, text: `Nothing restarts.${grows}` };
  }
  const loses = server.files !== "kept";
  const files = loses ? "Its files are not kept: what is not saved elsewhere is lost." : "Its files are kept.";
  return { restarts: true, loses, text: `It restarts, for a new ${joined(why)}: programs in it end. ${files}` };
}

function joined(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

export interface ConflictField {
  /** `memory`, `env.TZ`, `labels.team`. */
  path: string;
  label: string;
  was: string;
  mine: string;
  theirs: string;
}

/**
 * Two changes of the same settings put together. What only one of them changed is taken; where both did, and otherwise,
 * it is a conflict, and stays as it is in `mine` until somebody decides.
 */
export function merge(base: Settings, mine: Settings, theirs: Settings): { merged: Settings; conflicts: ConflictField[] } {
  const [was, my, their] = [flat(base), flat(mine), flat(theirs)];
  const conflicts: ConflictField[] = [];
  const result = new Map<string, string>();
  for (const path of new Set([...my.keys(), ...their.keys(), ...was.keys()])) {
    const [b, m, t] = [was.get(path), my.get(path), their.get(path)];
    const value = m === b ? t : m;
    if (value !== undefined) result.set(path, value);
    if (m !== b && t !== b && m !== t) conflicts.push({ path, label: labelOf(path), was: b ?? "", mine: m ?? "", theirs: t ?? "" });
  }
  return { merged: unflat(result, [...mine.env, ...theirs.env]), conflicts };
}

/** Take the other's value of a field. */
export function takeTheirs(settings: Settings, theirs: Settings, path: string): Settings {
  const [all, their] = [flat(settings), flat(theirs)];
  const value = their.get(path);
  if (value === undefined) all.delete(path);
  else all.set(path, value);
  return unflat(all, [...theirs.env, ...settings.env]);
}

function labelOf(path: string): string {
  const [name = "", ...rest] = path.split(".");
  const label = SETTING_LABEL[name as SettingName] ?? name;
  return rest.length > 0 ? `${label} ${rest.join(".")}` : label;
}

function flat(settings: Settings): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of ["image", "cpu", "memory", "storage", "ports", "command", "args", "exposure", "domain", "notes"] as const) found.set(name, settings[name].trim());
  for (const row of settings.env) if (row.name.trim()) found.set(`env.${row.name.trim()}`, row.value);
  for (const [key, value] of pairs(settings.labels).found) found.set(`labels.${key}`, value);
  return found;
}

function unflat(all: ReadonlyMap<string, string>, rows: readonly EnvRow[]): Settings {
  const text = (name: string) => all.get(name) ?? "";
  const under = (prefix: string) => [...all].filter(([path]) => path.startsWith(prefix)).map(([path, value]) => [path.slice(prefix.length), value] as const);
  return {
    image: text("image"),
    cpu: text("cpu"),
    memory: text("memory"),
    storage: text("storage"),
    ports: text("ports"),
    command: text("command"),
    args: text("args"),
    exposure: text("exposure") as Settings["exposure"],
    domain: text("domain"),
    notes: text("notes"),
    env: under("env.").map(([name, value]) => ({ name, value, secret: rows.find((row) => row.name.trim() === name && row.value === value)?.secret ?? false })),
    labels: under("labels.").map(([key, value]) => `${key}=${value}`).join("\n"),
  };
}

// Where the API's field names differ.
const FORM_FIELD: Readonly<Record<string, SettingName>> = { expose: "ports", "resources.cpu": "cpu", "resources.memory": "memory", "exposure.domain": "domain" };

/** Objections of the API put to the fields they are about; the rest as one text. */
export function fieldProblems(details: readonly { field: string; reason: string }[]): { problems: Problems; rest: string } {
  const problems: Problems = {};
  const rest: string[] = [];
  for (const { field, reason } of details) {
    const whole = field.replaceAll(/\[\d+\]/g, "");
    const first = whole.split(".")[0] ?? "";
    const name = FORM_FIELD[whole] ?? FORM_FIELD[first] ?? (first in SETTING_LABEL ? (first as SettingName) : undefined);
    if (name) problems[name] = name === "env" || name === "labels" ? `${field}: ${reason}` : reason;
    else rest.push(`${field}: ${reason}`);
  }
  return { problems, rest: rest.join("; ") };
}
