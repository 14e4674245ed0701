import { A, useNavigate, useParams } from "@solidjs/router";
import { createResource, createSignal, For, Show } from "solid-js";
import { api } from "../api/client";
import type { Server } from "../api/types";
import { DeleteDialog } from "../components/delete-dialog";
import { Icon } from "../components/icons";
import { LogView } from "../components/log-view";
import { ServerActions } from "../components/server-actions";
import { Reason, StatusBadge } from "../components/status";
import { age } from "../lib/time";
import { createActions } from "../stores/actions";
import { createClock } from "../stores/clock";
import { useSession } from "../stores/session";

function Facts(props: { server: Server; now: number }) {
  const facts = () =>
    [
      ["Image", props.server.image],
      ["Owner", props.server.owner],
      ["Node", props.server.node],
      ["Ports", props.server.ports?.map(({ port, name }) => (name ? `${port} (${name})` : port)).join(", ")],
      ["Resources", [props.server.resources?.cpu, props.server.resources?.memory].filter(Boolean).join(" CPU, ")],
      ["Files", props.server.files],
      ["Age", age(props.server.created_at, props.now)],
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

function History(props: { server: Server; now: number }) {
  const conditions = () => props.server.conditions ?? [];
  const events = () => (props.server.events ?? []).slice(-12).toReversed();
  return (
    <Show when={conditions().length > 0 || events().length > 0}>
      <details class="panel history">
        <summary>Conditions and events</summary>
        <ul>
          <For each={conditions()}>
            {(condition) => (
              <li>
                <span class="history-what">
                  {condition.type} <span class="tag">{condition.status}</span>
                </span>
                <span>{[condition.reason, condition.message].filter(Boolean).join(": ")}</span>
              </li>
            )}
          </For>
          <For each={events()}>
            {(event) => (
              <li>
                <span class="history-what">
                  {event.reason} <span class="quiet-text">{age(event.t, props.now)}</span>
                </span>
                <span>{event.message}</span>
              </li>
            )}
          </For>
        </ul>
      </details>
    </Show>
  );
}

export function ServerPage() {
  const params = useParams<{ id: string }>();
  const navigate = useNavigate();
  const { list, may } = useSession();
  const actions = createActions();
  const now = createClock();
  const [doomed, setDoomed] = createSignal<Server>();
  const live = () => list.servers[params.id];
  // Conditions and events are told by the detail alone: asked again whenever the stream tells of a change.
  const [detail] = createResource(
    () => ({ id: params.id, at: live()?.updated_at, status: live()?.status }),
    ({ id }) => api.server(id).catch(() => undefined),
  );

  return (
    <>
      <A href="/" class="back">
        <Icon name="back" />
        Workspaces
      </A>
      <Show
        when={live()}
        fallback={
          <p class="panel quiet-text">{list.loaded() ? `There is no workspace ${params.id}, or not any more.` : "Loading…"}</p>
        }
      >
        {(server) => (
          <>
            <div class="page-head">
              <div>
                <h1>{server().name}</h1>
                <StatusBadge server={server()} />
              </div>
              <ServerActions server={server()} actions={actions} onDelete={setDoomed} detail />
            </div>
            <Reason server={server()} />
            <Facts server={server()} now={now()} />
            <History server={{ ...server(), ...detail.latest, ...server() }} now={now()} />
            <Show when={may("readLogs")}>
              <Show when={params.id} keyed>
                {(id) => <LogView id={id} />}
              </Show>
            </Show>
          </>
        )}
      </Show>
      <DeleteDialog
        server={doomed()}
        onClose={() => setDoomed(undefined)}
        onDelete={(server) => void actions.remove(server).then((gone) => gone && navigate("/"))}
      />
    </>
  );
}
