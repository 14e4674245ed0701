import { createMemo, createSignal, Index, Show } from "solid-js";
import type { Server } from "../../api/types";
import { Button } from "../../components/button";
import { CommandLine } from "../../components/command-line";
import "../../components/facts.css";
import { Ago } from "../../components/time";
import { TimelineProblem } from "../../components/timeline-problem";
import { TimelineSteps } from "../../components/timeline-steps";
import { commandLine } from "../../lib/command-line";
import { readable } from "../../lib/reasons";
import { duration, happenings, timeline, type Timeline } from "../../lib/timeline";
import { MASK } from "../../lib/settings";
import { useActions } from "../../stores/actions";

const FIRST = 12;

/** How far it is, what is in its way, what it is made of, and what happened. */
export function TimelineTab(props: { server: Server; now: number; detailed: boolean }) {
  const found = createMemo(() => timeline(props.server, props.now));
  return (
    <div class="workspace-tab">
      <Show when={found().problem}>{(problem) => <TimelineProblem server={props.server} problem={problem()} />}</Show>
      <section class="panel" aria-label="Start">
        <StartHead server={props.server} timeline={found()} />
        <Show when={props.detailed} fallback={<p class="muted">Loading …</p>}>
          <Show when={props.server.status !== "stopped"}>
            <TimelineSteps timeline={found()} />
          </Show>
        </Show>
      </section>
      <Facts server={props.server} />
      <History server={props.server} now={props.now} />
    </div>
  );
}

function StartHead(props: { server: Server; timeline: Timeline }) {
  const actions = useActions();
  const words = () => {
    const { server, timeline: found } = props;
    if (server.status === "stopped") return server.reason === "Terminating" ? "It is being deleted" : "It is stopped";
    if (found.problem?.blocking) return "It cannot get any further by itself";
    if (server.status === "running") return found.total === undefined ? "It runs" : `It runs, and answered after ${duration(found.total)}`;
    return `It is ${found.now}`;
  };
  return (
    <div class="start-head">
      <h2>{words()}</h2>
      <span class="hidden" role="status">
        {words()}
      </span>
      <Show when={props.server.status === "stopped" && props.server.reason !== "Terminating"}>
        <p class="muted">Its settings and address stay{props.server.files === "kept" ? ", and so do its files" : ""}.</p>
        <Button icon="start" variant="primary" refused={actions.whyNot("start", props.server)} busy={actions.busy(props.server.id)} onClick={() => actions.act("start", props.server)}>
          Start
        </Button>
      </Show>
    </div>
  );
}

function Facts(props: { server: Server }) {
  const size = () => {
    const { cpu, memory } = props.server.resources ?? {};
    return [cpu && `${cpu.replace(/^(\d+)m$/, (_, milli: string) => String(Number(milli) / 1000))} CPU`, memory && readable(memory)].filter(Boolean).join(" · ");
  };
  const env = () => {
    const values = Object.values(props.server.env ?? {});
    const secret = values.filter((value) => value === MASK).length;
    return values.length > 0 ? `${values.length} set${secret ? `, ${secret} secret` : ""}` : "";
  };
  const files = () => [props.server.storage && readable(props.server.storage.size), props.server.files].filter(Boolean).join(", ");
  const facts = () =>
    [
      ["Image", props.server.image],
      ["Size", size()],
      ["Files", files()],
      ["Ports", props.server.ports?.map(({ port, name }) => (name && name !== `p-${port}` ? `${port} ${name}` : port)).join(", ")],
      ["Environment", env()],
      ["Arguments", props.server.args?.join(" ")],
      ["Owner", props.server.owner],
      ["Preset", props.server.presetsRef],
      ["Labels", Object.entries(props.server.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(", ")],
      ["Notes", props.server.notes],
    ].filter(([, value]) => value);
  return (
    <section class="panel" aria-label="Facts">
      <dl class="facts">
        <Index each={facts()}>
          {(fact) => (
            <div>
              <dt>{fact()[0]}</dt>
              <dd>{fact()[1]}</dd>
            </div>
          )}
        </Index>
      </dl>
    </section>
  );
}

function History(props: { server: Server; now: number }) {
  const [all, setAll] = createSignal(false);
  const [conditions, setConditions] = createSignal(false);
  const changes = () =>
    (props.server.conditions ?? []).map((item) => ({
      t: item.lastTransitionTime ?? "",
      type: "Condition",
      reason: item.reason ?? "",
      message: item.message ?? "",
      object: "",
      condition: item.type,
      status: item.status,
    }));
  const found = createMemo(() => {
    const events = [...(props.server.events ?? []), ...(conditions() ? changes() : [])];
    return happenings(events.toSorted((a, b) => a.t.localeCompare(b.t)));
  });
  const shown = () => (all() ? found() : found().slice(0, FIRST));
  return (
    <section class="panel" aria-label="What happened">
      <div class="history-head">
        <h2>What happened</h2>
        <Button small variant="quiet" aria-pressed={conditions() ? "true" : "false"} onClick={() => setConditions(!conditions())}>
          {conditions() ? "Events alone" : "With conditions"}
        </Button>
      </div>
      <Show when={shown().length > 0} fallback={<p class="muted">The cluster tells of no events of the last hour.</p>}>
        <ol class="history">
          <Index each={shown()}>
            {(event) => (
              <li classList={{ "history-warning": event().warning }}>
                <Ago at={event().time} now={props.now} />
                <b>
                  {event().warning ? "⚠ " : ""}
                  {event().what}
                  {event().count > 1 ? ` ×${event().count}` : ""}
                </b>
                <span>{event().words}</span>
              </li>
            )}
          </Index>
        </ol>
      </Show>
      <Show when={found().length > FIRST}>
        <Button small variant="quiet" aria-expanded={all() ? "true" : "false"} onClick={() => setAll(!all())}>
          {all() ? "Fewer" : `All ${found().length}`}
        </Button>
      </Show>
      <CommandLine what="Terminal" line={commandLine.events(props.server.name)} />
    </section>
  );
}
