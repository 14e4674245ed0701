const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
] as const;

/** `3d`, `2h`, `5m`, `12s`: how long ago, as kubectl writes it; empty for no time at all. */
export function age(from: string | undefined, now: number): string {
  if (!from) return "";
  const seconds = Math.max(0, Math.floor((now - Date.parse(from)) / 1000));
  if (Number.isNaN(seconds)) return "";
  for (const [unit, size] of UNITS) {
    if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`;
  }
  return `${seconds}s`;
}

/** `14:03:59.120`, in the reader's own time zone. */
export function clock(time: string | undefined): string {
  if (!time) return "";
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  const [h, m, s] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0"));
  return `${h}:${m}:${s}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

// Made once: `toLocaleString` makes one for every call, which took a third of the time of scrolling through a list.
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** `24 Nov 2026, 14:03:59 GMT+1`: the whole time, for a tooltip. */
export function exact(time: string | undefined): string {
  const date = new Date(time ?? Number.NaN);
  if (Number.isNaN(date.getTime())) return "";
  return WHOLE.format(date);
}
