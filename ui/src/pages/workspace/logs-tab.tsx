import { useSearchParams } from "@solidjs/router";
import { createMemo, createSignal, For, onCleanup, Show } from "solid-js";
import type { Server } from "../../api/types";
import { Alert } from "../../components/alert";
import { Button, ButtonLink } from "../../components/button";
import { CommandLine } from "../../components/command-line";
import { useCopy } from "../../components/copy";
import { LogView, type LogHandle } from "../../components/log-view";
import { Menu } from "../../components/menu";
import { commandLine } from "../../lib/command-line";
import { downloadPath, type LogRequest } from "../../lib/log-request";
import { useNotices } from "../../stores/notices";
import { preferences, setPreferences, type TimeStyle } from "../../stores/log-preferences";
import { useSession } from "../../stores/session";

const LEVELS = [
  ["", "All levels"],
  ["error", "Error"],
  ["info", "Info"],
  ["debug", "Debug"],
] as const;
const TYPED_MS = 450;
const TIMES: readonly [TimeStyle, string][] = [
  ["clock", "Time of day"],
  ["age", "How long ago"],
  ["none", "No times"],
];

/** The address of this page at the line of a time. */
function addressOf(time: string): string {
  const query = new URLSearchParams(location.search);
  query.set("at", time);
  return `${location.pathname}?${query}`;
}

const toggle = (name: "wrap" | "fold") => setPreferences({ [name]: !preferences()[name] });

type Params = { level?: string; q?: string; container?: string; run?: string; events?: string; at?: string };

/** The log, with what narrows it; all of that stands in the address. */
export function LogsTab(props: { server: Server }) {
  const { whyNot } = useSession();
  const [params, setParams] = useSearchParams<Params>();
  const [handle, setHandle] = createSignal<LogHandle>();
  const copy = useCopy();
  const notices = useNotices();

  const request = createMemo(
    (): LogRequest => ({
      id: props.server.id,
      level: params.level ?? "",
      q: params.q ?? "",
      container: params.container ?? "",
      previous: params.run === "previous",
      events: params.events !== "0" && params.run !== "previous",
    }),
    undefined,
    { equals: (a, b) => JSON.stringify(a) === JSON.stringify(b) },
  );
  // A line's link is for the log as it was: narrowing it otherwise leads away from that line.
  const narrow = (change: Params) => setParams({ ...change, at: undefined }, { replace: true, scroll: false });
  const pick = async (time: string) => {
    setParams({ at: time }, { replace: true, scroll: false });
    if (await copy(location.origin + addressOf(time))) notices.done("The link to this line is copied.");
  };

  return (
    <Show when={whyNot("readLogs", props.server) === undefined} fallback={<Alert kind="note">{whyNot("readLogs", props.server)}</Alert>}>
      <LogBar request={request()} handle={handle()} narrow={narrow} copyAll={async () => {
        if (await copy(handle()?.text() ?? "")) notices.done("The lines that are shown are copied.");
      }} />
      <Show when={request()} keyed>
        {(asked) => (
          <LogView
            request={asked}
            preferences={preferences()}
            at={params.at ?? ""}
            addressOf={addressOf}
            onHandle={setHandle}
            onPick={(time) => void pick(time)}
          />
        )}
      </Show>
      <div class="log-foot">
        <LogState handle={handle()} />
        <CommandLine line={commandLine.logs(props.server.name, request())} />
      </div>
    </Show>
  );
}

function LogState(props: { handle: LogHandle | undefined }) {
  const words = (): [kind: string, text: string] => {
    const log = props.handle?.log;
    const stream = log?.stream() ?? "connecting";
    if (log?.error()) return ["wait", "Refused"];
    if (stream === "live") return log?.status() ? ["wait", log.status()] : ["live", props.handle?.following() ? "Live" : "Live, not following"];
    return {
      connecting: ["wait", "Connecting …"],
      waiting: ["wait", "Connection lost; it is made again, without a gap"],
      silent: ["wait", "Nothing heard for 30 s; connecting again"],
      "signed-out": ["wait", "Signed out"],
      ended: ["end", "The end of this run"],
      paused: ["wait", "Paused: too many lines below. Go to the newest to go on"],
    }[stream] as [string, string];
  };
  return (
    <span class={`log-state log-state-${words()[0]}`} role="status">
      {words()[1]}
    </span>
  );
}

function LogBar(props: { request: LogRequest; handle: LogHandle | undefined; narrow: (change: Params) => void; copyAll: () => void }) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  onCleanup(() => clearTimeout(timer));
  const typed = (text: string, at: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => props.narrow({ q: text }), at);
  };
  const containers = () => [...new Set([...(props.handle?.log.containers() ?? []), props.request.container])].filter((name) => name && name !== "*");
  const error = () => props.handle?.log.error();
  const items = () => [
    { label: "Wrap long lines", checked: preferences().wrap, act: () => toggle("wrap") },
    { label: "Fold repeats", checked: preferences().fold, act: () => toggle("fold") },
    { label: "Events between lines", checked: props.request.events, act: () => props.narrow({ events: props.request.events ? "0" : "" }) },
    ...TIMES.map(([time, label]) => ({ label, checked: preferences().time === time, act: () => setPreferences({ time }) })),
    { label: "Copy the lines shown", icon: "copy" as const, act: props.copyAll },
  ];
  return (
    <>
      <div class="log-bar" role="search" aria-label="Narrow the log">
        <span class="log-search">
          <input
            type="search"
            aria-label="Search: a text, or an expression between slashes"
            placeholder="Search, or /expression/"
            value={props.request.q}
            onInput={(event) => typed(event.currentTarget.value, TYPED_MS)}
            onKeyDown={(event) => event.key === "Enter" && typed(event.currentTarget.value, 0)}
          />
        </span>
        <select aria-label="Level" value={props.request.level} onChange={(event) => props.narrow({ level: event.currentTarget.value })}>
          <For each={LEVELS}>{([value, label]) => <option value={value}>{label}</option>}</For>
        </select>
        <select
          aria-label="Run"
          value={props.request.previous ? "previous" : ""}
          onChange={(event) => props.narrow({ run: event.currentTarget.value })}
        >
          <option value="">This run</option>
          <option value="previous">The run that ended last</option>
        </select>
        <select
          aria-label="Container"
          value={props.request.container}
          onChange={(event) => props.narrow({ container: event.currentTarget.value })}
        >
          <option value="">Its program</option>
          <option value="*">All containers</option>
          <For each={containers()}>{(name) => <option value={name}>{name}</option>}</For>
        </select>
        <Menu label="View: how lines are shown" text="View" icon="settings" items={items()} />
        <ButtonLink icon="download" square label="Download everything that matches" href={downloadPath(props.request)} download="" rel="external" />
      </div>
      <Show when={error()}>
        {(refused) => (
          <Alert
            title="The log cannot be shown like this."
            action={
              <Button onClick={() => props.narrow({ q: "", level: "", container: "", run: "" })}>Show all of it</Button>
            }
          >
            {refused().details[0]?.reason ?? refused().message}
          </Alert>
        )}
      </Show>
    </>
  );
}
