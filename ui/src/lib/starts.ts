import type { StartTime } from "../api/types";

export interface Spread {
  many: number;
  median: number;
  /** What nineteen of twenty do not exceed. */
  most: number;
  slowest: number;
}

/** How long starts took, in seconds; undefined for none. */
export function spread(starts: readonly StartTime[]): Spread | undefined {
  const seconds = starts.map((start) => start.seconds).toSorted((a, b) => a - b);
  if (seconds.length === 0) return undefined;
  const at = (share: number) => seconds[Math.min(seconds.length - 1, Math.ceil(share * seconds.length) - 1)] ?? 0;
  return { many: seconds.length, median: at(0.5), most: at(0.95), slowest: seconds.at(-1) ?? 0 };
}

/** The columns that a chart draws: Unix seconds, and seconds of the start. */
export function columns(starts: readonly StartTime[]): [number[], number[]] {
  const sorted = starts.toSorted((a, b) => Date.parse(a.t) - Date.parse(b.t));
  return [sorted.map(({ t }) => Date.parse(t) / 1000), sorted.map(({ seconds }) => seconds)];
}
