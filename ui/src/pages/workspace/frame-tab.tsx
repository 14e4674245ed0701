import { A, useSearchParams } from "@solidjs/router";
import { createEffect, createSignal, For, on, Show } from "solid-js";
import { api, type ApiError } from "../../api/client";
import type { Port, Server } from "../../api/types";
import { Button, ButtonLink } from "../../components/button";
import { CopyButton } from "../../components/copy";
import { EmptyState } from "../../components/empty-state";
import "../../components/frame.css";
import { TimelineProblem } from "../../components/timeline-problem";
import { TimelineSteps } from "../../components/timeline-steps";
import { address } from "../../lib/server";
import type { Timeline } from "../../lib/timeline";
import { useActions } from "../../stores/actions";
import { useSession } from "../../stores/session";

/** The app of a workspace in a frame, once it answers; until then how far it is. */
export function FrameTab(props: { server: Server; timeline: Timeline }) {
  const actions = useActions();
  const { config, whyNot } = useSession();
  let holder!: HTMLDivElement;
  const [loads, setLoads] = createSignal(0);
  const running = () => props.server.status === "running";
  // Without an origin of its own an app may be framed where the install trusts it to share this one.
  const own = (port: Port | undefined) => (!port || port.port === props.server.ports?.[0]?.port ? props.server.url : port.url) !== undefined;
  const framed = (port: Port | undefined) => own(port) || config.value()?.originMode === "path";
  const [params] = useSearchParams<{ port?: string }>();
  const shown = () => props.server.ports?.find(({ port }) => String(port) === params.port) ?? props.server.ports?.[0];
  const source = () => portAddress(props.server, shown());
  const full = () => void holder.requestFullscreen?.();
  return (
    <Show when={whyNot("proxy", props.server) === undefined} fallback={<EmptyState icon="lock" title="You may not open it">{whyNot("proxy", props.server)}</EmptyState>}>
      <div class="frame-bar">
        <Ports server={props.server} shown={shown()} framed={framed} />
        <Show when={running()}>
          <Password server={props.server} />
        </Show>
        <span class="frame-space" />
        <Button square icon="refresh" label="Load it again" refused={running() ? undefined : "It does not run."} onClick={() => setLoads((n) => n + 1)} />
        <Button square icon="full" label="Full screen" refused={running() ? undefined : "It does not run."} onClick={full} />
        <ButtonLink
          icon="open"
          href={source()}
          target="_blank"
          rel="noopener"
          refused={running() ? undefined : "It can be opened when it runs."}
        >
          New tab
        </ButtonLink>
      </div>
      <Show
        when={props.server.status !== "stopped"}
        fallback={
          <EmptyState
            icon="stop"
            title="It is stopped"
            action={
              <Button variant="primary" icon="start" refused={actions.whyNot("start", props.server)} busy={actions.busy(props.server.id)} onClick={() => actions.act("start", props.server)}>
                Start
              </Button>
            }
          >
            <p>Start it, and it opens here by itself.</p>
          </EmptyState>
        }
      >
        <Show when={running()} fallback={<Starting server={props.server} timeline={props.timeline} />}>
          <Show
            when={framed(shown())}
            fallback={<EmptyState icon="open" title="It opens in a tab of its own"><p>It has no address of its own yet that could be shown here.</p></EmptyState>}
          >
            <div class="frame-holder" ref={holder}>
              <Show when={`${source()} ${loads()}`} keyed>
                {(_source) => (
                  <iframe
                    class="frame"
                    src={source()}
                    title={`${props.server.name}, the app itself`}
                    allow="clipboard-read; clipboard-write; fullscreen"
                  />
                )}
              </Show>
            </div>
          </Show>
        </Show>
      </Show>
    </Show>
  );
}

function Starting(props: { server: Server; timeline: Timeline }) {
  return (
    <div class="panel frame-starting">
      <Show when={props.timeline.problem}>{(problem) => <TimelineProblem server={props.server} problem={problem()} />}</Show>
      <h2>{props.timeline.problem?.blocking ? "It does not start" : `It is ${props.timeline.now}`}</h2>
      <TimelineSteps timeline={props.timeline} />
      <p class="muted">It opens here by itself as soon as it answers.</p>
    </div>
  );
}

/** Its ports, of which one is shown. One that has no origin yet gets it when it is first opened, in a tab of its own. */
function Ports(props: { server: Server; shown: Port | undefined; framed: (port: Port) => boolean }) {
  const ports = () => props.server.ports ?? [];
  return (
    <Show when={ports().length > 1}>
      <nav class="row" aria-label="Ports">
        <For each={ports()}>
          {(port, index) => (
            <Show
              when={props.framed(port)}
              fallback={
                <ButtonLink small icon="open" href={portAddress(props.server, port)} target="_blank" rel="noopener">
                  {portLabel(port)}
                </ButtonLink>
              }
            >
              <A
                class="button small frame-port"
                href={`/w/${props.server.id}/open${index() > 0 ? `?port=${port.port}` : ""}`}
                noScroll
                aria-current={props.shown?.port === port.port ? "page" : undefined}
              >
                {portLabel(port)}
              </A>
            </Show>
          )}
        </For>
      </nav>
    </Show>
  );
}

function portLabel({ port, name }: Port): string {
  return name && name !== `p-${port}` ? `${name} ${port}` : `Port ${port}`;
}

/** Where a port has its page; below the front door is a way to its origin. */
function portAddress(server: Server, port: Port | undefined): string {
  if (!port || port.port === server.ports?.[0]?.port) return address(server);
  return port.url ?? `${server.proxy_url}~${port.port}/`;
}

/**
 * The password of the app, asked for when somebody wants it: the audit trail says who saw it. What is shown here needs
 * none where the proxy logs in by itself.
 */
function Password(props: { server: Server }) {
  const [password, setPassword] = createSignal("");
  const [refusal, setRefusal] = createSignal("");
  createEffect(
    on(
      () => props.server.id,
      () => {
        setPassword("");
        setRefusal("");
      },
    ),
  );
  const ask = async () => {
    try {
      setPassword((await api.login(props.server.id)).password);
    } catch (cause) {
      const refused = cause as ApiError;
      setRefusal(refused.status === 404 ? "It asks for no password, or for one that is not known here." : refused.message);
    }
  };
  return (
    <Show
      when={password()}
      fallback={
        <>
          <Button variant="quiet" icon="key" onClick={() => void ask()}>
            Password
          </Button>
          <span role="status" class="muted small">
            {refusal()}
          </span>
        </>
      }
    >
      <span class="row frame-password">
        Password <code>{password()}</code>
        <CopyButton text={password()} label="Copy the password" />
        <Button small variant="quiet" onClick={() => setPassword("")}>
          Hide
        </Button>
      </span>
    </Show>
  );
}
