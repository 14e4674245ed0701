import { useBeforeLeave } from "@solidjs/router";
import { onCleanup, onMount } from "solid-js";

// A browser brings a page back to where it was scrolled to before the page has its rows, which is to the top. So the place
// of each address of the list is kept here, and gone back to when it is come back to.

const KEY = "guildnet-place";
const RECENT_MS = 3000;
let poppedAt = Number.NEGATIVE_INFINITY;
addEventListener("popstate", () => (poppedAt = performance.now()), true);

function places(): Record<string, number> {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Record<string, number>;
  } catch {
    return {};
  }
}

function keep(search: string, top: number): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ...places(), [search]: Math.round(top) }));
  } catch {
    // Back begins at the top, then.
  }
}

function leave(): void {
  keep(location.search, scrollY);
}

/** Whether this page is one that was there before: by Back, Forward or a reload. */
function isReturn(): boolean {
  if (performance.now() - poppedAt < RECENT_MS) return true;
  const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return performance.now() < RECENT_MS && entry !== undefined && entry.type !== "navigate";
}

/** Call it where the rows are made. */
export function keepPlace(): void {
  useBeforeLeave(leave);
  addEventListener("pagehide", leave);
  onCleanup(() => removeEventListener("pagehide", leave));
  onMount(() => {
    const top = places()[location.search];
    // After the router's own scrolling to the top.
    if (top && isReturn()) requestAnimationFrame(() => requestAnimationFrame(() => scrollTo(0, top)));
  });
}
