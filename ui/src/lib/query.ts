import type { Server, Status } from "../api/types";

/** What a search box says: every term has to hold. `owner:me status:failed,stopped image:jupyter -node:a "some text"`. */
export interface Term {
  key: Key | "text";
  /** One of them has to hold; lower case. */
  values: readonly string[];
  negated: boolean;
}

export const KEYS = ["owner", "status", "image", "name", "node", "files", "port"] as const;
export type Key = (typeof KEYS)[number];

export const STATUS_WORDS: Record<string, Status> = {
  running: "running",
  starting: "pending",
  pending: "pending",
  failed: "failed",
  stopped: "stopped",
};

// A term: a sign, a key, and a value that may be quoted, as a whole or in part.
const TERM = /(-?)(?:([a-z]+):)?((?:"[^"]*"?|[^\s"])*)/gi;

/** Any text is a query: what is no key is text to be found. */
export function parseQuery(text: string): Term[] {
  const terms: Term[] = [];
  for (const [whole, sign = "", name, value = ""] of text.matchAll(TERM)) {
    const key = KEYS.find((known) => known === name?.toLowerCase());
    // `nginx:1.29` is text: no key is called so.
    const words = key || !name ? value : whole.slice(sign.length);
    const bare = words.replaceAll('"', "").toLowerCase();
    const values = key ? bare.split(",").filter(Boolean) : [bare];
    if (values.length > 0 && values[0] !== "") terms.push({ key: key ?? "text", values, negated: sign === "-" });
  }
  return terms;
}

/** Whether a workspace is meant. `me` is the login of who asks, for `owner:me`. */
export function matchesQuery(terms: readonly Term[], server: Server, me: string | undefined): boolean {
  return terms.every((term) => term.values.some((value) => holds(term.key, value, server, me)) !== term.negated);
}

function holds(key: Term["key"], value: string, server: Server, me: string | undefined): boolean {
  const within = (text: string | undefined) => (text ?? "").toLowerCase().includes(value);
  switch (key) {
    case "owner":
      return value === "me" ? server.owner !== undefined && server.owner === me : within(server.owner);
    case "status":
      return server.status === (STATUS_WORDS[value] ?? Object.entries(STATUS_WORDS).find(([word]) => word.startsWith(value))?.[1]);
    case "files":
      return (server.files === "kept" ? "kept" : server.files ? "lost" : "unknown").startsWith(value);
    case "port":
      return server.ports?.some(({ port, name }) => String(port) === value || name?.toLowerCase() === value) ?? false;
    case "text":
      return [server.name, server.image, server.owner, server.notes, server.reason].some(within);
    default:
      return within(server[key]);
  }
}

/** A way to go on with what is typed: the whole text after it, and what is shown of it. */
export interface Completion {
  text: string;
  label: string;
  hint: string;
}

const HINTS: Record<Key, string> = {
  owner: "who launched it; me is you",
  status: "running, starting, failed, stopped",
  image: "part of the image",
  name: "part of the name",
  node: "where it runs",
  files: "kept or lost",
  port: "number or name of a port",
};
const MOST = 8;

/** Ways to go on with the last word of a query, from the keys there are and the values that the workspaces have. */
export function completions(text: string, servers: readonly Server[]): Completion[] {
  const last = /(?:^|\s)(-?)(\S*)$/.exec(text);
  if (!last) return [];
  const [, sign = "", word = ""] = last;
  const before = text.slice(0, text.length - word.length - sign.length);
  const [name = "", value] = word.split(":", 2);
  const key = KEYS.find((known) => known === name.toLowerCase());
  if (value === undefined || !key) {
    if (!word && !text) return keysOf("", before, sign);
    return word ? keysOf(name.toLowerCase(), before, sign) : [];
  }
  const typed = value.split(",").at(-1)?.toLowerCase() ?? "";
  const kept = value.slice(0, value.length - typed.length);
  return valuesOf(key, servers)
    .filter(([one]) => one.toLowerCase().includes(typed) && one.toLowerCase() !== typed)
    .slice(0, MOST)
    .map(([one, count]) => {
      const shown = /\s/.test(one) ? `"${one}"` : one;
      return { text: `${before}${sign}${key}:${kept}${shown} `, label: `${key}:${kept}${shown}`, hint: count };
    });
}

function keysOf(start: string, before: string, sign: string): Completion[] {
  return KEYS.filter((key) => key.startsWith(start)).map((key) => ({
    text: `${before}${sign}${key}:`,
    label: `${sign}${key}:`,
    hint: HINTS[key],
  }));
}

function valuesOf(key: Key, servers: readonly Server[]): [value: string, hint: string][] {
  const counted = new Map<string, number>();
  for (const server of servers) for (const value of ofServer(key, server)) counted.set(value, (counted.get(value) ?? 0) + 1);
  const found = [...counted].toSorted((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  const listed = found.map(([value, many]): [string, string] => [value, String(many)]);
  return key === "owner" ? [["me", "you"], ...listed] : listed;
}

function ofServer(key: Key, server: Server): readonly string[] {
  if (key === "status") return [server.status === "pending" ? "starting" : server.status];
  if (key === "files") return [server.files === "kept" ? "kept" : server.files ? "lost" : "unknown"];
  if (key === "port") return server.ports?.map(({ port }) => String(port)) ?? [];
  if (key === "image") return [server.image.split("@")[0]?.split("/").at(-1)?.split(":")[0] ?? server.image];
  return server[key] ? [server[key]] : [];
}
