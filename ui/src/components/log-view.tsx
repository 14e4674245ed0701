import { createEffect, createSignal, For, on, onCleanup, onMount, Show } from "solid-js";
import { LIMITS, LogModel, type Row } from "../lib/log-model";
import { needle, OLDER, type LogRequest } from "../lib/log-request";
import { createClock } from "../stores/clock";
import type { LogPreferences } from "../stores/log-preferences";
import { createLog, type Log } from "../stores/logs";
import { Button } from "./button";
import { LogRow } from "./log-row";
import "./log.css";
import { LogViewport } from "./log-viewport";

/** What the page around may ask of a log that is shown. */
export interface LogHandle {
  log: Log;
  following: () => boolean;
  /** All lines that are kept, as text. */
  text: () => string;
}

const PROBE = "0".repeat(100);
/** A line that is looked for is among the first lines, or has to be asked for. */
const SEARCH_AFTER_MS = 700;

/**
 * The log of a workspace, of which only the rows in view are in the page. `at` is the time of a line to show; the page's
 * address of another is `addressOf`.
 */
export function LogView(props: {
  request: LogRequest;
  preferences: LogPreferences;
  at: string;
  addressOf: (time: string) => string;
  onHandle: (handle: LogHandle) => void;
  onPick: (time: string) => void;
}) {
  let box!: HTMLDivElement;
  let sizer!: HTMLDivElement;
  let drawn!: HTMLDivElement;
  let probe!: HTMLDivElement;
  let measure = { character: 7.8, line: 20, width: 800 };
  let view: LogViewport | undefined;

  const [visible, setVisible] = createSignal<readonly Row[]>([]);
  const [following, setFollowing] = createSignal(true);
  const [leftAt, setLeftAt] = createSignal(0);
  const [marked, setMarked] = createSignal<number>();
  const [open, setOpen] = createSignal<ReadonlySet<number>>(new Set());
  const [loading, setLoading] = createSignal(false);
  const [missing, setMissing] = createSignal(false);
  const now = createClock();

  const lines = (text: string) => (props.preferences.wrap ? Math.max(1, Math.ceil((text.length * measure.character) / measure.width)) : 1);
  const height = (row: Row) => {
    const folded = open().has(row.key) ? row.folded.reduce((all, entry) => all + lines(entry.text), 0) : 0;
    return (lines(row.text) + folded) * measure.line;
  };
  const model = new LogModel(height, props.preferences.fold);
  const log = createLog(props.request, model, { held: () => view?.held, changed: () => view?.render() });
  const fresh = () => {
    log.version();
    return following() ? 0 : Math.max(0, model.appended - leftAt());
  };

  const gauge = () => {
    const text = probe.querySelector(".log-text")?.getBoundingClientRect();
    const inner = probe.querySelector(".log-probe")?.getBoundingClientRect();
    if (!text || !inner || inner.width === 0) return false;
    const found = { character: inner.width / PROBE.length, line: inner.height, width: text.width };
    const same = found.width === measure.width && found.character === measure.character && found.line === measure.line;
    measure = found;
    return !same;
  };

  const older = async () => {
    if (loading() || !log.hasOlder() || model.lines + OLDER > LIMITS.lines) return;
    setLoading(true);
    await log.older().catch(() => undefined);
    setLoading(false);
  };
  const find = async (time: string) => {
    let key = model.at(time);
    if (key === undefined && (await log.around(time).catch(() => false))) key = model.at(time);
    setMissing(key === undefined);
    setMarked(key);
    if (key !== undefined) view?.show(key);
  };
  const follow = () => {
    view?.follow();
    log.resume();
    box.focus({ preventScroll: true });
  };
  const clicked = (event: MouseEvent) => {
    const target = event.target as HTMLElement;
    const fold = target.closest<HTMLElement>("[data-fold]")?.dataset["fold"];
    if (fold !== undefined) {
      const key = Number(fold);
      setOpen((all) => (all.has(key) ? new Set([...all].filter((one) => one !== key)) : new Set([...all, key])));
      view?.changed(key);
      return;
    }
    const link = target.closest<HTMLElement>("[data-at]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const key = Number(link.closest<HTMLElement>("[data-key]")?.dataset["key"]);
    setMarked(key);
    props.onPick(link.dataset["at"] ?? "");
  };

  /** The keyboard's way to what a press on a line's time does. */
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== "c" || event.ctrlKey || event.metaKey || event.altKey || event.target !== box) return;
    const edge = box.getBoundingClientRect().top;
    const rows = [...drawn.querySelectorAll<HTMLElement>("[data-key]")];
    rows.find((row) => row.getBoundingClientRect().bottom > edge + 1)?.querySelector<HTMLElement>(":scope > [data-at]")?.click();
  };

  onMount(() => {
    view = new LogViewport(model, {
      box,
      sizer,
      drawn,
      draw: setVisible,
      nearStart: () => void older(),
      followed: (follows) => {
        setLeftAt(model.appended);
        setFollowing(follows);
        if (follows) log.resume();
      },
    });
    onCleanup(view.listen());
    // Links and buttons of rows, which come and go by the dozen a frame.
    box.addEventListener("click", clicked);
    box.addEventListener("keydown", pressed);
    const resized = new ResizeObserver(() => (gauge() ? view?.remeasure(height) : view?.render()));
    resized.observe(box);
    onCleanup(() => resized.disconnect());
    createEffect(
      on(
        () => ({ ...props.preferences }),
        ({ fold }) => {
          // Not within the effect: what it changes is in the page only afterwards.
          queueMicrotask(() => {
            model.fold = fold;
            gauge();
            view?.remeasure(height);
          });
        },
        { defer: true },
      ),
    );
    if (props.at) {
      const timer = setTimeout(() => void find(props.at), SEARCH_AFTER_MS);
      onCleanup(() => clearTimeout(timer));
    }
    const text = () => [...model.rows].flatMap((row) => row.folded.concat(row)).map((entry) => entry.text).join("\n");
    props.onHandle({ log, following, text });
  });

  const look = () => ({
    time: props.preferences.time,
    needle: needle(props.request.q),
    containers: props.request.container === "*",
    now: now(),
  });
  const empty = () => {
    log.version();
    return model.rows.length === 0;
  };
  return (
    <div class="log-frame">
      <div
        ref={box}
        class="log-box"
        classList={{ "log-nowrap": !props.preferences.wrap }}
        tabindex="0"
        role="log"
        aria-live="off"
        aria-label={`Log of ${props.request.id}`}
      >
        <div ref={sizer} class="log-sizer">
          <div ref={drawn} class="log-drawn">
            <For each={visible()}>
              {(row) => <LogRow row={row} look={look()} marked={marked() === row.key} open={open().has(row.key)} at={props.addressOf} />}
            </For>
          </div>
        </div>
        <div ref={probe} class="log-row log-hidden" aria-hidden="true">
          <Show when={props.preferences.time !== "none"}>
            <span class="log-time">
              00:00:00<span class="log-ms">.000</span>
            </span>
          </Show>
          <span class="log-text">
            <span class="log-probe">{PROBE}</span>
          </span>
        </div>
        <Show when={empty()}>
          <p class="log-empty">
            {log.error()?.message ?? (log.status() || (props.request.q || props.request.level ? "No line matches yet." : "No lines yet."))}
          </p>
        </Show>
      </div>
      <p class="hidden" role="status">
        {missing() ? "That line is not kept any more." : ""}
      </p>
      <Show when={missing()}>
        <p class="log-note-box">
          That line is not kept any more, or not in this run.
          <Button variant="quiet" small square icon="close" label="Dismiss" onClick={() => setMissing(false)} />
        </p>
      </Show>
      <Show when={loading()}>
        <p class="log-loading">Older lines are coming …</p>
      </Show>
      <Show when={!following()}>
        <Button class="log-newest" icon="down" onClick={follow}>
          {log.stream() === "paused"
            ? "Go on at the newest"
            : fresh() > 0
              ? `${fresh().toLocaleString("en")} new ${fresh() === 1 ? "line" : "lines"}`
              : "Newest"}
        </Button>
      </Show>
    </div>
  );
}
