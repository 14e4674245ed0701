import { createSignal, onCleanup } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { api } from "../api/client";
import type { Used } from "../api/types";

export const ASK_MS = 15_000;
/** A cluster that does not measure may learn to. */
const ASK_LATER_MS = 300_000;

/**
 * What a workspace uses, asked for as long as the page is seen; undefined where the cluster does not measure, or has not
 * measured this one. Call it below a reactive root.
 */
export function createUsage(): (id: string) => Used | undefined {
  const [used, setUsed] = createStore<Record<string, Used>>({});
  const [known, setKnown] = createSignal(false);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const ask = async () => {
    clearTimeout(timer);
    let pause = ASK_LATER_MS;
    try {
      const { measured, servers } = await api.usage();
      setUsed(reconcile(servers));
      setKnown(measured);
      if (measured) pause = ASK_MS;
    } catch {
      // Told elsewhere: the list says when nobody answers. What was measured is not shown as if it still held.
      setKnown(false);
    }
    if (document.visibilityState !== "hidden") timer = setTimeout(() => void ask(), pause);
  };
  const seen = () => document.visibilityState === "visible" && void ask();
  document.addEventListener("visibilitychange", seen);
  onCleanup(() => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  });
  void ask();
  return (id) => (known() ? used[id] : undefined);
}
