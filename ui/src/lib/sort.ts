import type { Server, Status } from "../api/types";

export const SORTS = ["created", "name", "status", "owner", "image", "changed"] as const;
export type SortKey = (typeof SORTS)[number];

export interface Sort {
  key: SortKey;
  /** Against the direction that is usual for the key. */
  reversed: boolean;
}

export const SORT_LABEL: Record<SortKey, string> = {
  created: "Newest",
  name: "Name",
  status: "Needs attention",
  owner: "Owner",
  image: "Image",
  changed: "Last changed",
};

// What needs a person stands first.
const URGENCY: Record<Status, number> = { failed: 0, pending: 1, running: 2, stopped: 3 };

/** `-name` of an address; anything else is newest first. */
export function parseSort(text: string | undefined): Sort {
  const reversed = text?.startsWith("-") ?? false;
  const key = SORTS.find((known) => known === text?.replace(/^-/, ""));
  return key ? { key, reversed } : { key: "created", reversed: false };
}

export function sortText({ key, reversed }: Sort): string | undefined {
  return key === "created" && !reversed ? undefined : `${reversed ? "-" : ""}${key}`;
}

type Comparison = (a: Server, b: Server) => number;

// Made once: `localeCompare` with options makes one for every pair.
const BY_LETTERS = new Intl.Collator(undefined, { numeric: true });

function byText(pick: (server: Server) => string | undefined): Comparison {
  return (a, b) => BY_LETTERS.compare(pick(a) ?? "", pick(b) ?? "");
}

/** Equal ones by name, so that rows do not jump. */
export function comparing({ key, reversed }: Sort): Comparison {
  const by: Record<SortKey, Comparison> = {
    created: (a, b) => compare(b.created_at, a.created_at),
    changed: (a, b) => compare(b.updated_at ?? b.created_at, a.updated_at ?? a.created_at),
    name: byText(({ name }) => name),
    owner: byText(({ owner }) => owner),
    image: byText(({ image }) => image),
    status: (a, b) => URGENCY[a.status] - URGENCY[b.status],
  };
  const sign = reversed ? -1 : 1;
  return (a, b) => sign * by[key](a, b) || a.name.localeCompare(b.name);
}

/** RFC 3339 times in UTC sort as they are written. */
function compare(a = "", b = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
