import { createEffect, createMemo, For, lazy, on, Show, Suspense } from "solid-js";
import { api } from "../api/client";
import type { InstallState, Status } from "../api/types";
import { Alert } from "../components/alert";
import { Button } from "../components/button";
import { Icon } from "../components/icons";
import { StatusBadge } from "../components/status";
import { operatorWords, versionWords } from "../lib/operator";
import { untilThere } from "../lib/scripts";
import { columns, spread } from "../lib/starts";
import { createClock } from "../stores/clock";
import { createFact } from "../stores/fact";
import { useSession } from "../stores/session";
import { useTitle } from "../stores/title";
import "./health.css";

const Chart = lazy(() => untilThere(async () => ({ default: (await import("../components/chart")).Chart })));

const STATES: readonly Status[] = ["running", "pending", "failed", "stopped"];
const ASK_MS = 30_000;

const CHECKS: Record<string, { label: string; means: string }> = {
  kubernetes: { label: "Kubernetes", means: "The API server answers GuildNet." },
  crds: { label: "Custom resources", means: "Workspaces and Capabilities are installed." },
  redis: { label: "Redis", means: "Log lines are shared between replicas." },
  cache: { label: "Copy of the cluster", means: "The list of workspaces is whole and fresh." },
};

/** Whether the install is well, and what it was doing in the last day. */
export function HealthPage() {
  const { list } = useSession();
  const readiness = createFact(() => api.readiness());
  const stats = createFact(() => api.stats());
  const install = createFact(() => api.install());
  const tick = createClock(ASK_MS);
  useTitle(() => "Health and usage");
  const ask = () => {
    readiness.retry();
    stats.retry();
    install.retry();
  };
  createEffect(on(tick, ask, { defer: true }));
  // The list is live, so it is what is counted; the question is for what the list cannot know.
  const count = (state: Status) => Object.values(list.servers).filter(({ status }) => status === state).length;
  return (
    <>
      <div class="page-head">
        <h1 tabindex="-1">Health and usage</h1>
        <Button icon="refresh" onClick={ask}>
          Ask again
        </Button>
      </div>
      <div class="health">
        <section class="panel" aria-labelledby="health-parts">
          <h2 id="health-parts">Parts</h2>
          <Show when={readiness.error()}>{(error) => <Alert live title="GuildNet does not say how it is.">{error().message}</Alert>}</Show>
          <Checks checks={readiness.value()?.checks ?? {}} operator={operatorWords(install.value() ?? {})} />
          <Show when={install.error()}>{(error) => <Alert live title="The operator's state is not known.">{error().message}</Alert>}</Show>
          <Install state={install.value()} />
        </section>
        <section class="panel" aria-labelledby="health-states">
          <h2 id="health-states">Workspaces now</h2>
          <dl class="states">
            <For each={STATES}>
              {(state) => (
                <div>
                  <dt>
                    <StatusBadge status={state} />
                  </dt>
                  <dd>{count(state)}</dd>
                </div>
              )}
            </For>
          </dl>
        </section>
        <section class="panel health-wide" aria-labelledby="health-starts">
          <h2 id="health-starts">Starts in the last day</h2>
          <Show when={stats.error()}>{(error) => <Alert live title="Starts are not known.">{error().message}</Alert>}</Show>
          <Show when={stats.value()}>{(known) => <Starts starts={known().starts} />}</Show>
        </section>
      </div>
    </>
  );
}

function Checks(props: { checks: Record<string, { ok: boolean; message?: string }>; operator: ReturnType<typeof operatorWords> }) {
  return (
    <ul class="checks">
      <For each={Object.entries(props.checks)}>
        {([name, check]) => (
          <li class={check.ok ? "check-ok" : "check-bad"}>
            <Icon name={check.ok ? "check" : "alert"} />
            <span>
              <b>{CHECKS[name]?.label ?? name}</b> {check.ok ? "is well." : "is not well."}{" "}
              <span class="muted">{check.message ?? (check.ok ? CHECKS[name]?.means : "The api's log says why.")}</span>
            </span>
          </li>
        )}
      </For>
      <Show when={props.operator}>
        {(operator) => (
          <li class={operator().ok ? "check-ok" : "check-bad"}>
            <Icon name={operator().ok ? "check" : "alert"} />
            <span>
              <b>Operator</b> {operator().ok ? "is well." : "is not well."} <span class="muted">{operator().words}</span>
            </span>
          </li>
        )}
      </Show>
    </ul>
  );
}

function Install(props: { state: InstallState | undefined }) {
  const { config, list } = useSession();
  const proxy = createFact(() => api.proxyVersion());
  const versions = () => ({ api: config.value()?.version, ...props.state?.versions, proxy: proxy.value() });
  const facts = () =>
    [
      ["Name", config.value()?.name],
      ["Versions", versionWords(versions())],
      ["Address", location.host],
      ["Name on the tailnet", props.state?.tailnet],
      ["Ports left on it", props.state?.tailnet && props.state.operator?.portsLeft?.toLocaleString("en")],
      ["Copy of the cluster", list.stale() > 0 ? `${list.stale()} s old` : "live"],
    ].filter(([, value]) => value);
  return (
    <dl class="facts">
      <For each={facts()}>
        {([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        )}
      </For>
    </dl>
  );
}

function Starts(props: { starts: readonly { t: string; seconds: number }[] }) {
  const told = createMemo(() => spread(props.starts));
  const data = createMemo(() => columns(props.starts));
  return (
    <Show when={told()} fallback={<p class="muted">Nothing was started.</p>}>
      {(known) => (
        <>
          <p>
            <b>{known().many}</b> starts: half of them took at most <b>{known().median} s</b>, nineteen of twenty at most{" "}
            <b>{known().most} s</b>, the slowest <b>{known().slowest} s</b>.
          </p>
          <Suspense fallback={<p class="muted">Drawing…</p>}>
            <Chart label={`Seconds that each of ${known().many} starts took, over the last day`} unit="s" data={data()} />
          </Suspense>
        </>
      )}
    </Show>
  );
}
