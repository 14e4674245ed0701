import type { LogLine, TimelineEvent } from "../api/types";
import { repeats } from "./log-fold";
import { LogRows } from "./log-rows";

/** A line, or what the stream said about itself or the workspace between lines. */
export type EntryKind = "line" | "source" | "status" | "gap" | "event" | "warning" | "end";

export interface Entry {
  readonly key: number;
  readonly kind: EntryKind;
  /** As the log has it, with nine digits; its text is unique in nearly every log. */
  readonly time?: string;
  readonly level: string;
  readonly text: string;
  readonly container?: string;
}

/** What is drawn: an entry, and those before it that said the same. */
export interface Row extends Entry {
  readonly count: number;
  /** The latest of the entries that this one stands for, oldest first; `count` may be more. */
  readonly folded: readonly Entry[];
  /** The key of the entry itself: `key` is that of the first one it stands for. */
  readonly own: number;
}

export interface Limits {
  lines: number;
  characters: number;
}

/** About 100 MB of memory at most, mostly text of two bytes a character. */
export const LIMITS: Limits = { lines: 100_000, characters: 40_000_000 };
/** While somebody reads further up, so much more is kept before lines stop being taken. */
const LENIENCE = 1.5;
const FOLDED = 500;

/** The log as it is kept: bounded, oldest lines leave first, repeats are one row. Knows nothing of the page. */
export class LogModel {
  readonly rows = new LogRows<Row>();
  /** How many entries ever came: what is new since a moment is a difference of two. */
  appended = 0;
  /** Whether older lines were let go. */
  trimmed = false;
  readonly #height: (row: Row) => number;
  readonly #limits: Limits;
  #fold: boolean;
  #lines = 0;
  #characters = 0;
  #next = 0;
  #first = 0;
  #events: TimelineEvent[] = [];
  #known = new Set<string>();

  constructor(height: (row: Row) => number, fold = true, limits: Limits = LIMITS) {
    this.#height = height;
    this.#fold = fold;
    this.#limits = limits;
  }

  get lines(): number {
    return this.#lines;
  }

  line(line: LogLine): void {
    this.#before(line.t);
    this.#add(entryOf(this.#next++, line));
  }

  /** Something the stream said. */
  mark(kind: EntryKind, text: string, time?: string): void {
    this.#add({ key: this.#next++, kind, level: "note", text, ...(time ? { time } : {}) });
  }

  /** An event of the workspace: it waits for lines that are younger, or for `settle`. A known one is left out. */
  event(event: TimelineEvent): void {
    const known = JSON.stringify([event.t, event.object, event.reason, event.condition, event.count, event.message]);
    if (this.#known.has(known)) return;
    this.#known.add(known);
    this.#events.push(event);
    this.#events.sort((a, b) => (a.t < b.t ? -1 : a.t > b.t ? 1 : 0));
  }

  /** Events that no line has come after. */
  settle(): boolean {
    const waited = this.#events.length > 0;
    this.#before(undefined);
    return waited;
  }

  /** The time of the first line; undefined without one. */
  get oldestTime(): string | undefined {
    for (const row of this.rows) {
      if (row.kind === "line" && row.time) return row.folded[0]?.time ?? row.time;
    }
    return undefined;
  }

  /**
   * Lines older than the first, which were asked for. Those that are there already are left out. `gap` is said between
   * them and the first, where lines may be missing there.
   */
  prepend(lines: readonly LogLine[], gap = ""): number {
    const oldest = this.oldestTime;
    const older = lines.filter((line) => !oldest || !line.t || line.t < oldest);
    const apart = gap !== "" && older.length > 0 && older.length === lines.length;
    this.#first -= older.length + (apart ? 1 : 0);
    const entries = older.map((line, i) => entryOf(this.#first + i, line));
    if (apart) entries.push({ key: this.#first + older.length, kind: "gap", level: "note", text: gap });
    const rows = folded(entries, this.#fold);
    this.#count(rows.flatMap(entriesOf), 1);
    this.rows.unshift(rows, this.#height);
    return older.length;
  }

  /** Let the oldest rows go until the rest is within the limits, but none at or after the row that somebody reads. */
  trim(held?: number): void {
    while (this.#lines > this.#limits.lines || this.#characters > this.#limits.characters) {
      const last = this.rows.oldest.at(-1);
      if (!last || last === this.rows.last || (held !== undefined && last.key >= held)) return;
      for (const row of this.rows.shift()) this.#count(entriesOf(row), -1);
      this.trimmed = true;
    }
  }

  /** Whether no more lines can be taken until whoever reads further up goes on. */
  get full(): boolean {
    return this.#lines > this.#limits.lines * LENIENCE || this.#characters > this.#limits.characters * LENIENCE;
  }

  /** The key of the line of this time; undefined where it is not kept. */
  at(time: string): number | undefined {
    for (const row of this.rows) {
      if (row.time === time || row.folded.some((entry) => entry.time === time)) return row.key;
    }
    return undefined;
  }

  /** Whether repeats are one row. */
  set fold(fold: boolean) {
    if (fold === this.#fold) return;
    this.#fold = fold;
    const entries = [...this.rows].flatMap(entriesOf);
    this.rows.clear();
    this.#lines = this.#characters = 0;
    const rows = folded(entries, fold);
    this.#count(rows.flatMap(entriesOf), 1);
    this.rows.unshift(rows, this.#height);
  }

  clear(): void {
    this.rows.clear();
    this.#lines = this.#characters = this.appended = 0;
    this.#events = [];
    this.#known.clear();
    this.trimmed = false;
  }

  /** The events up to this time, all of them without one. */
  #before(time: string | undefined): void {
    if (this.#events.length === 0) return;
    const later = time ? this.#events.findIndex((event) => event.t.slice(0, 19) > time.slice(0, 19)) : -1;
    for (const event of this.#events.splice(0, later < 0 ? this.#events.length : later)) {
      this.mark(event.type === "Warning" ? "warning" : "event", eventText(event), event.t);
    }
  }

  #add(entry: Entry): void {
    this.appended++;
    const last = this.rows.last;
    if (this.#fold && last && joins(last, entry)) {
      this.#count([entry], 1);
      const { row, dropped } = joined(last, entry);
      this.#count(dropped, -1);
      this.rows.replace(this.rows.length - 1, row);
      return;
    }
    this.#count([entry], 1);
    const row = single(entry);
    this.rows.push(row, this.#height(row));
  }

  #count(entries: readonly Entry[], sign: 1 | -1): void {
    for (const entry of entries) {
      this.#lines += sign;
      this.#characters += sign * entry.text.length;
    }
  }
}

function entryOf(key: number, line: LogLine): Entry {
  return {
    key,
    kind: "line",
    level: line.lvl ?? "info",
    text: line.msg ?? "",
    ...(line.t ? { time: line.t } : {}),
    ...(line.container ? { container: line.container } : {}),
  };
}

function single(entry: Entry): Row {
  return { ...entry, count: 1, folded: [], own: entry.key };
}

/** The entries of a row, each by its own key. */
function entriesOf(row: Row): Entry[] {
  const { count: _, folded: before, own, ...entry } = row;
  return before.concat({ ...entry, key: own });
}

function joins(row: Row, entry: Entry): boolean {
  if (row.kind !== entry.kind || row.container !== entry.container || row.level !== entry.level) return false;
  return entry.kind === "line" && repeats(row.text, entry.text);
}

/**
 * The row keeps its key: it is the same one, and whoever reads it reads on. It takes the list of the row before, which
 * is not used any more: a copy for every repeat would cost more than all the rest.
 */
function joined(row: Row, entry: Entry): { row: Row; dropped: Entry[] } {
  const before = row.folded as Entry[];
  const { count, folded: _, own, ...latest } = row;
  before.push({ ...latest, key: own });
  const dropped = before.length > FOLDED ? before.splice(0, FOLDED / 2) : [];
  return { row: { ...entry, key: row.key, own: entry.key, count: count + 1, folded: before }, dropped };
}

function folded(entries: readonly Entry[], fold: boolean): Row[] {
  const rows: Row[] = [];
  for (const entry of entries) {
    const last = rows.at(-1);
    if (fold && last && joins(last, entry)) rows[rows.length - 1] = joined(last, entry).row;
    else rows.push(single(entry));
  }
  return rows;
}

/** An event in one line. */
export function eventText(event: TimelineEvent): string {
  const what = event.condition ? `${event.condition}: ${event.reason}` : event.reason;
  const often = (event.count ?? 1) > 1 ? ` (×${event.count})` : "";
  return `${what}${event.message ? ` – ${event.message}` : ""}${often}`;
}
