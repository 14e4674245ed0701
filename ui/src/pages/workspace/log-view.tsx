import { createEffect, createSignal, For, on, Show } from "solid-js";
import { clock } from "../../lib/time";
import { createLog, KEPT } from "../../stores/logs";
import { Button } from "../../components/button";
import "./log-view.css";

const LEVELS = ["all", "info", "debug", "error"] as const;
const NEAR_END_PX = 40;

/** The live log of a server. It stays at its end until the reader scrolls up, and then where the reader is. */
export function LogView(props: { id: string }) {
  const log = createLog(props.id);
  const [level, setLevel] = createSignal<(typeof LEVELS)[number]>("all");
  const [following, setFollowing] = createSignal(true);
  let box!: HTMLDivElement;

  const shown = () =>
    level() === "all" ? log.lines() : log.lines().filter((line) => line.kind === "note" || line.level === level());
  const toEnd = () => {
    box.scrollTop = box.scrollHeight;
  };
  createEffect(on([shown, following], () => following() && toEnd()));

  return (
    <section class="logs" aria-label="Logs">
      <div class="logs-head">
        <h2>Logs</h2>
        <span class={`stream stream-${log.stream()}`} role="status">
          <span class="dot" />
          {log.stream() === "live" ? "Live" : log.stream() === "waiting" ? "Reconnecting" : "Connecting"}
        </span>
        <div class="choices" role="group" aria-label="Show by level">
          <For each={LEVELS}>
            {(choice) => (
              <Button small variant="quiet" aria-pressed={level() === choice} onClick={() => setLevel(choice)}>
                {choice === "all" ? "All" : choice}
              </Button>
            )}
          </For>
        </div>
      </div>
      <div
        ref={box}
        class="log-box"
        tabindex="0"
        role="log"
        aria-live="off"
        aria-label="Log lines"
        onScroll={() => setFollowing(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX)}
      >
        <Show when={log.lines().length >= KEPT}>
          <p class="log-line log-note">Older lines are not shown.</p>
        </Show>
        <For each={shown()} fallback={<p class="log-line log-note">No lines yet.</p>}>
          {(line) => (
            <p class={`log-line log-${line.kind === "note" ? "note" : line.level}`}>
              <Show when={line.time}>
                <time datetime={line.time}>{clock(line.time)}</time>
              </Show>
              <span>{line.text || " "}</span>
            </p>
          )}
        </For>
      </div>
      <Show when={!following()}>
        <Button class="to-end" icon="down" onClick={() => setFollowing(true)}>
          Newest
        </Button>
      </Show>
    </section>
  );
}
