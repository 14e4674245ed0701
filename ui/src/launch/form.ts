import type { Expose, FieldError, JobSpec, Port, Preset, Server } from "../api/types";
import { shellLine } from "../lib/command-line";
import { MASK } from "../lib/settings";
import { splitWords } from "../lib/words";
import { check } from "./check";

export interface EnvRow {
  name: string;
  value: string;
  secret: boolean;
}

export interface PortRow {
  port: string;
  name: string;
  /** Of a port that was launched before; left out it is the preset's, the image's or `Strip`. */
  pathMode?: NonNullable<Expose["pathMode"]>;
}

export interface LabelRow {
  key: string;
  value: string;
}

/** The launch page as it is typed. What is left empty is left to the preset, the image and the install. */
export interface Fields {
  /** Name of a preset; "" for any image. */
  preset: string;
  image: string;
  name: string;
  cpu: string;
  memory: string;
  keep: boolean;
  size: string;
  ports: PortRow[];
  env: EnvRow[];
  command: string;
  /** One a line. */
  args: string;
  labels: LabelRow[];
  /** "" for GuildNet alone. */
  exposure: "" | "LoadBalancer" | "Ingress";
  domain: string;
  notes: string;
}

export type FieldName = keyof Fields;
export type Problems = Partial<Record<FieldName, string>>;

export const EMPTY: Fields = {
  preset: "",
  image: "",
  name: "",
  cpu: "",
  memory: "",
  keep: true,
  size: "",
  ports: [],
  env: [],
  command: "",
  args: "",
  labels: [],
  exposure: "",
  domain: "",
  notes: "",
};

/** Fields that are folded away. */
export const ADVANCED: readonly FieldName[] = ["ports", "env", "command", "args", "labels", "exposure", "notes"];

/** What a preset is called by a launch and by an address. */
export function presetRef(preset: Preset): string {
  return preset.name ?? preset.label;
}

export function chosen(fields: Fields, presets: readonly Preset[]): Preset | undefined {
  return fields.preset ? presets.find((preset) => presetRef(preset) === fields.preset) : undefined;
}

function given<K extends string>(key: K, value: string): Partial<Record<K, string>> {
  const text = value.trim();
  return text ? ({ [key]: text } as Record<K, string>) : {};
}

/** The form as the API takes it: nothing that was not typed. */
export function toJob(fields: Fields, presets: readonly Preset[]): JobSpec {
  const preset = chosen(fields, presets);
  const resources = { ...given("cpu", fields.cpu), ...given("memory", fields.memory) };
  const env = fields.env.filter(({ name }) => name.trim()).map(({ name, value, secret }) => [name.trim(), secret ? { value, secret } : value] as const);
  const expose = fields.ports
    .filter(({ port, name }) => port.trim() || name.trim())
    .map(portOf);
  const labels = fields.labels.filter(({ key, value }) => key.trim() || value.trim()).map(({ key, value }) => [key.trim(), value.trim()] as const);
  const command = splitWords(fields.command) ?? [];
  return {
    image: preset?.image ?? fields.image.trim(),
    ...given("name", fields.name),
    ...(preset ? { presetsRef: presetRef(preset) } : {}),
    ...(Object.keys(resources).length > 0 ? { resources } : {}),
    ...(fields.keep ? (fields.size.trim() ? { storage: { size: fields.size.trim() } } : {}) : { storage: null }),
    ...(expose.length > 0 ? { expose } : {}),
    ...(env.length > 0 ? { env: Object.fromEntries(env) } : {}),
    ...(command.length > 0 ? { command } : {}),
    ...(fields.args.trim() ? { args: fields.args.replace(/\n+$/, "").split("\n") } : {}),
    ...(labels.length > 0 ? { labels: Object.fromEntries(labels) } : {}),
    ...(fields.exposure ? { exposure: exposed(fields) } : {}),
    ...given("notes", fields.notes),
  };
}

function exposed({ exposure, domain }: Fields): NonNullable<JobSpec["exposure"]> {
  return { type: exposure || "ClusterIP", ...(exposure === "Ingress" ? given("domain", domain) : {}) };
}

function portOf({ port, name, pathMode }: PortRow): Expose {
  return { port: wholeNumber(port), ...given("name", name), ...(pathMode === "Preserve" ? { pathMode } : {}) };
}

/** What is no number is 0, which no port is. */
function wholeNumber(text: string): number {
  return /^\s*\d{1,6}\s*$/.test(text) ? Number(text) : 0;
}

const FIELD: Record<string, FieldName> = {
  "resources.cpu": "cpu",
  "resources.memory": "memory",
  storage: "size",
  expose: "ports",
  presetsRef: "preset",
  "exposure.domain": "domain",
};

/** The field that a place of a launch is typed in; undefined for one that the form does not have. */
function fieldOf(place: string): FieldName | undefined {
  const [first = ""] = place.split(/[.[]/);
  const found = FIELD[place] ?? FIELD[first] ?? first;
  return found in EMPTY ? (found as FieldName) : undefined;
}

/** Errors of the API, or of `check`, put to the fields; those of no field come back as one text. */
export function fieldProblems(details: readonly FieldError[]): { problems: Problems; rest: string } {
  const problems: Problems = {};
  const rest: string[] = [];
  for (const { field, reason } of details) {
    const name = fieldOf(field);
    const row = /\[(\d+)\]/.exec(field)?.[1];
    const said = row === undefined ? reason : `row ${Number(row) + 1}: ${reason}`;
    if (name) problems[name] = problems[name] ? `${problems[name]}; ${said}` : said;
    else rest.push(`${field}: ${reason}`);
  }
  return { problems, rest: rest.join("; ") };
}

/** What is wrong with the form as it stands: what the API would say, and what only the form can know. */
export function problemsOf(fields: Fields, presets: readonly Preset[]): Problems {
  const { problems } = fieldProblems(check(toJob(fields, presets)));
  if (!chosen(fields, presets) && !fields.image.trim()) problems.image = "Which image? For example docker.io/library/nginx:1.29";
  if (splitWords(fields.command) === undefined) problems.command = "a quote is not closed";
  const odd = fields.ports.find(({ port, name }) => (port.trim() || name.trim()) && wholeNumber(port) === 0);
  if (odd) problems.ports = `“${odd.port}” is not a port between 1 and 65535`;
  const names = fields.env.map(({ name }) => name.trim()).filter(Boolean);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) problems.env = `${twice} is there twice`;
  else if (fields.env.some(({ name, value }) => !name.trim() && value)) problems.env = "a value without a name";
  else if (fields.env.some(({ value, name }) => value === MASK && !isPresets(name, fields, presets))) {
    problems.env = "a secret that is not shown here: type it again";
  }
  const keys = fields.labels.map(({ key }) => key.trim()).filter(Boolean);
  const double = keys.find((key, index) => keys.indexOf(key) !== index);
  if (double) problems.labels = `${double} is there twice`;
  return problems;
}

/** A mask that is sent back means the preset's own secret. */
function isPresets(name: string, fields: Fields, presets: readonly Preset[]): boolean {
  return chosen(fields, presets)?.env?.[name.trim()] === MASK;
}

/** The form for a launch like one that there is. Secrets are not known, and have to be typed again. */
export function fromServer(server: Server, presets: readonly Preset[]): Fields {
  const preset = presets.find((one) => presetRef(one) === server.presetsRef && one.image === server.image);
  return {
    ...EMPTY,
    preset: preset ? presetRef(preset) : "",
    image: server.image,
    name: server.name.replace(/-[0-9a-f]{5}$/, ""),
    cpu: server.resources?.cpu ?? "",
    memory: server.resources?.memory ?? "",
    keep: server.storage !== undefined || server.files !== "lost on stop",
    size: server.storage?.size ?? "",
    ports: (server.ports ?? []).map(portRow),
    env: Object.entries(server.env ?? {}).map(([name, value]) => ({ name, value, secret: value === MASK })),
    command: shellLine(server.command),
    args: (server.args ?? []).join("\n"),
    labels: Object.entries(server.labels ?? {}).map(([key, value]) => ({ key, value })),
    exposure: server.exposure?.type === "ClusterIP" ? "" : (server.exposure?.type ?? ""),
    domain: server.exposure?.domain ?? "",
    notes: server.notes ?? "",
  };
}

function portRow({ port, name, pathMode }: Port): PortRow {
  const row = { port: String(port), name: name === `p-${port}` ? "" : (name ?? "") };
  return pathMode ? { ...row, pathMode } : row;
}

/** The form of an address: `?preset=&image=&name=&cpu=&memory=`. */
export function fromAddress(params: URLSearchParams, presets: readonly Preset[]): Fields {
  const image = params.get("image");
  const named = params.get("preset");
  const preset = presets.find((one) => presetRef(one) === named || (image !== null && image !== "" && one.image === image));
  const first = image === null && named === null ? presets[0] : undefined;
  const text = (key: string) => params.get(key) ?? "";
  return {
    ...EMPTY,
    preset: preset ? presetRef(preset) : first ? presetRef(first) : "",
    image: preset ? "" : (image ?? ""),
    name: text("name"),
    cpu: text("cpu"),
    memory: text("memory"),
  };
}
