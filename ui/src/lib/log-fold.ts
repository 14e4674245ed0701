import { withoutEscapes } from "./ansi";

// What differs between two lines that say the same: when it was, and how long it took.
const MOMENTS =
  /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?|\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}|\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b/g;
const DURATIONS = /\b\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s)\b/g;
const LONGEST = 2000;
/** Two lines of one kind are about as long as each other: numbers of moments and durations differ in digits alone. */
const MOST_DIFFERENT = 24;

/** Whether a line says what the one before it says, but for times and durations. A blank one says nothing. */
export function repeats(before: string, text: string): boolean {
  if (!text.trim() || text.length > LONGEST) return false;
  if (before === text) return true;
  if (Math.abs(before.length - text.length) > MOST_DIFFERENT) return false;
  return kind(before) === kind(text);
}

function kind(text: string): string {
  return withoutEscapes(text).replaceAll(MOMENTS, "·").replaceAll(DURATIONS, "·");
}
