import { Show } from "solid-js";
import type { StreamState } from "../api/stream";
import { createClock } from "../stores/clock";
import { useSession } from "../stores/session";
import "./connection.css";

export type Shown = StreamState | "stale";

/** The state of the stream in words; `heard` and `now` are milliseconds since 1970. */
export function connectionWords(state: Shown, heard: number, now: number): { label: string; tip: string } {
  const ago = heard ? ` Last heard ${Math.max(0, Math.round((now - heard) / 1000))} s ago.` : "";
  switch (state) {
    case "live":
      return { label: "Live", tip: "Changes are shown as they happen." };
    case "connecting":
      return { label: "Connecting", tip: "The stream of changes is being opened." };
    case "stale":
      return { label: "Old", tip: "The cluster does not answer GuildNet; what is shown may be old." };
    case "silent":
      return { label: ago.trim().replace(/\.$/, "") || "Not heard yet", tip: "The connection is silent; what is shown may be old. A new one is being made." };
    case "signed-out":
      return { label: "Signed out", tip: "Sign in to see changes." };
    case "waiting":
      return { label: "Reconnecting", tip: `The connection was lost; what is shown may be old.${ago}` };
  }
}

/** How fresh the page is. Said aloud when it changes, but not each second of a silence. */
export function Connection() {
  const { list } = useSession();
  const now = createClock(1000);
  const state = (): Shown => (list.stream() === "live" && list.stale() > 0 ? "stale" : list.stream());
  const words = () => connectionWords(state(), list.heard(), now());
  return (
    <span class={`stream stream-${state()}`} data-tip={words().tip} tabindex="0" role="group" aria-label="Connection">
      <span class="dot" />
      <span role="status" aria-live={state() === "silent" ? "off" : "polite"}>
        {words().label}
      </span>
      <Show when={state() === "silent"}>
        <span class="hidden" role="status">
          Nothing is heard from GuildNet; reconnecting.
        </span>
      </Show>
    </span>
  );
}
