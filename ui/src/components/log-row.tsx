import { For, Show } from "solid-js";
import { looks, pieces } from "../lib/ansi";
import type { Entry, Row } from "../lib/log-model";
import { age, clock, exact } from "../lib/time";
import type { TimeStyle } from "../stores/log-preferences";

/** How rows look. */
export interface RowLook {
  time: TimeStyle;
  /** Marked where it is found. */
  needle: string;
  containers: boolean;
  now: number;
}

/** A line in its colours, with what was searched for marked. */
export function LogText(props: { text: string; needle: string }) {
  return (
    <span class="log-text">
      <For each={pieces(props.text)}>
        {(piece) => {
          const { class: classes, color, background } = looks(piece.style);
          const words = () => <Marked text={piece.text} needle={props.needle} />;
          return classes || color || background ? (
            <span class={classes} style={{ color, background }}>
              {words()}
            </span>
          ) : (
            words()
          );
        }}
      </For>
      {props.text ? "" : " "}
    </span>
  );
}

function Marked(props: { text: string; needle: string }) {
  const parts = () => {
    const [text, needle] = [props.text, props.needle.toLowerCase()];
    if (!needle) return [text];
    const found: string[] = [];
    const lower = text.toLowerCase();
    let at = 0;
    for (let next = lower.indexOf(needle); next >= 0; next = lower.indexOf(needle, at)) {
      found.push(text.slice(at, next), text.slice(next, next + needle.length));
      at = next + needle.length;
    }
    return [...found, text.slice(at)];
  };
  return <For each={parts()}>{(part, i) => (i() % 2 ? <mark>{part}</mark> : part)}</For>;
}

function LogTime(props: { time: string | undefined; look: RowLook; at: string }) {
  const whole = () => clock(props.time);
  return (
    <Show when={props.look.time !== "none"}>
      <Show when={props.time} fallback={<span class="log-time" />}>
        {(time) => (
          <a class="log-time" href={props.at} data-at={time()} tabindex="-1" data-tip={exact(time())} aria-label={`Link to the line of ${whole()}`}>
            <Show when={props.look.time === "clock"} fallback={age(time(), props.look.now) || "0s"}>
              {whole().slice(0, 8)}
              <span class="log-ms">{whole().slice(8)}</span>
            </Show>
          </a>
        )}
      </Show>
    </Show>
  );
}

const MARK_WORDS: Partial<Record<Entry["kind"], string>> = { gap: "Gap", event: "Event", warning: "Warning", source: "From" };

/** One row: a line, a line that was repeated, or a mark between lines. */
export function LogRow(props: { row: Row; look: RowLook; marked: boolean; open: boolean; at: (time: string) => string }) {
  const at = (entry: Entry) => (entry.time ? props.at(entry.time) : "");
  return (
    <div class={`log-row log-${props.row.kind} log-level-${props.row.level}`} classList={{ "log-marked": props.marked }} data-key={props.row.key}>
      <Show when={props.open}>
        <For each={props.row.folded}>
          {(entry) => (
            <div class="log-folded">
              <LogTime time={entry.time} look={props.look} at={at(entry)} />
              <LogText text={entry.text} needle={props.look.needle} />
            </div>
          )}
        </For>
      </Show>
      <LogTime time={props.row.time} look={props.look} at={at(props.row)} />
      <Show when={props.look.containers && props.row.container}>
        <span class="log-container">{props.row.container}</span>
      </Show>
      <Show when={MARK_WORDS[props.row.kind]}>{(words) => <b class="log-mark">{words()}</b>}</Show>
      <LogText text={props.row.text} needle={props.look.needle} />
      <Show when={props.row.count > 1}>
        <button
          type="button"
          class="log-count"
          tabindex="-1"
          aria-expanded={props.open ? "true" : "false"}
          aria-label={`Said ${props.row.count} times`}
          data-fold={props.row.key}
        >
          ×{props.row.count.toLocaleString("en")}
        </button>
      </Show>
    </div>
  );
}
