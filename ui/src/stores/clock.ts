import { createSignal, onCleanup } from "solid-js";

/** The time, moving on every few seconds: for ages on the screen. */
export function createClock(everyMs = 5000): () => number {
  const [now, setNow] = createSignal(Date.now());
  const timer = setInterval(() => setNow(Date.now()), everyMs);
  onCleanup(() => clearInterval(timer));
  return now;
}
