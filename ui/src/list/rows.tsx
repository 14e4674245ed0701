import { A } from "@solidjs/router";
import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from "solid-js";
import type { Server } from "../api/types";
import { Avatar, StatusBadge } from "../components/status";
import { Ago } from "../components/time";
import { shortName } from "../lib/people";
import { size, summary, usedWords } from "../lib/summary";
import { imageParts } from "../lib/server";
import { visibleRows } from "../lib/window";
import { useActions } from "../stores/actions";
import { useSession } from "../stores/session";
import { More, Primary } from "./actions";
import { keepPlace } from "./place";
import "./rows.css";
import type { Selection } from "./selection";

interface Shown {
  servers: readonly Server[];
  now: number;
  selection: Selection;
}

export function Owner(props: { server: Server }) {
  const { me } = useSession();
  const mine = () => props.server.owner !== undefined && props.server.owner === me.value()?.login;
  return (
    <Show when={props.server.owner} fallback={<span class="muted">–</span>}>
      {(owner) => (
        <span class="owner" data-tip={owner()}>
          <Avatar name={owner()} />
          <span class="owner-name">{mine() ? "you" : shortName(owner())}</span>
        </span>
      )}
    </Show>
  );
}

export function Image(props: { server: Server }) {
  const parts = () => imageParts(props.server.image);
  return (
    <span class="image" data-tip={props.server.image}>
      {parts().name}
      <Show when={parts().tag}>:{parts().tag}</Show>
    </span>
  );
}

function Row(props: { server: Server; now: number; selection: Selection; index: number; last: boolean }) {
  const actions = useActions();
  const { used } = useSession();
  const { server } = props;
  const leaving = () => actions.leaving(server.id);
  return (
    <tr
      class="server"
      classList={{ leaving: leaving(), selected: props.selection.has(server.id), last: props.last }}
      aria-rowindex={props.index + 2}
      data-id={server.id}
    >
      <td class="cell-select">
        <input
          type="checkbox"
          aria-label={`Select ${server.name}`}
          checked={props.selection.has(server.id)}
          onChange={() => props.selection.toggle(server.id)}
        />
      </td>
      <th scope="row" class="cell-name">
        <A href={`/w/${server.id}`} class="name" data-tip={server.name}>
          {server.name}
        </A>
        <Image server={server} />
      </th>
      <td class="cell-status">
        <Show when={!leaving()} fallback={<span class="muted">Will be deleted</span>}>
          <StatusBadge status={server.status} />
          <span class="reason" data-tip={server.message}>
            {summary(server)}
          </span>
        </Show>
      </td>
      <td class="cell-owner">
        <Owner server={server} />
      </td>
      <td class="cell-size">
        {size(server) || "–"}
        <Show when={server.status === "running" && used(server.id)}>
          {(known) => (
            <span class="used" data-tip="What it uses now">
              uses {usedWords(known()).replace(" CPU", "")}
            </span>
          )}
        </Show>
      </td>
      <td class="cell-node">{server.node ?? "–"}</td>
      <td class="cell-age">
        <Ago at={server.created_at} now={props.now} />
      </td>
      <td class="cell-actions">
        <Show when={!leaving()}>
          <Primary server={server} />
          <More server={server} />
        </Show>
      </td>
    </tr>
  );
}

/** Rows of equal height, of which only those on the screen are drawn: a list of thousands scrolls like one of ten. */
export function Rows(props: Shown) {
  let body!: HTMLTableSectionElement;
  const [range, setRange] = createSignal({ from: 0, to: 40 });
  const [height, setHeight] = createSignal(48);

  // Where the rows begin on the page. Measured when the page is laid out anew, not in each frame that scrolls: asked after
  // rows have come or gone, the browser would have to lay out the whole table at once.
  let top = 0;

  const look = () => {
    const next = visibleRows(props.servers.length, height(), top - scrollY, window.innerHeight);
    const now = range();
    if (next.from !== now.from || next.to !== now.to) setRange(next);
  };
  const measure = () => {
    const row = body.querySelector<HTMLElement>(".server");
    if (row) setHeight(row.getBoundingClientRect().height || 48);
    top = body.getBoundingClientRect().top + scrollY;
    look();
  };
  keepPlace();
  onMount(() => {
    let frame = 0;
    const soon = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        look();
      });
    };
    measure();
    // Whatever comes or goes above the rows, or makes them wider or higher, changes the size of one of these.
    const sizes = new ResizeObserver(measure);
    for (let element: Element | null = body; element; element = element.parentElement) sizes.observe(element);
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", measure);
    onCleanup(() => {
      cancelAnimationFrame(frame);
      sizes.disconnect();
      removeEventListener("scroll", soon);
      removeEventListener("resize", measure);
    });
  });
  // What is on the screen depends on how many there are, and they come one after the other.
  createEffect(on(() => props.servers.length, measure, { defer: true }));
  const from = () => Math.min(range().from, Math.max(0, props.servers.length - 1));
  const drawn = createMemo(() => props.servers.slice(from(), Math.max(range().to, from() + 1)));
  const below = () => Math.max(0, props.servers.length - from() - drawn().length);

  return (
    <table class="servers" aria-rowcount={props.servers.length + 1}>
      <thead>
        <tr aria-rowindex={1}>
          <th class="cell-select">
            <input
              type="checkbox"
              aria-label="Select all that are shown"
              checked={props.servers.length > 0 && props.servers.every(({ id }) => props.selection.has(id))}
              onChange={(event) => props.selection.setAll(event.currentTarget.checked ? props.servers.map(({ id }) => id) : [])}
            />
          </th>
          <th scope="col" class="cell-name">
            Workspace
          </th>
          <th scope="col" class="cell-status">
            State
          </th>
          <th scope="col" class="cell-owner">
            Owner
          </th>
          <th scope="col" class="cell-size">
            Size
          </th>
          <th scope="col" class="cell-node">
            Node
          </th>
          <th scope="col" class="cell-age">
            Age
          </th>
          <th scope="col" class="cell-actions">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody ref={body}>
        <Show when={from() > 0}>
          <tr class="spacer" aria-hidden="true" style={{ height: `${from() * height()}px` }} />
        </Show>
        <For each={drawn()}>
          {(server, index) => <Row server={server} now={props.now} selection={props.selection} index={from() + index()} last={from() + index() === props.servers.length - 1} />}
        </For>
        <Show when={below() > 0}>
          <tr class="spacer" aria-hidden="true" style={{ height: `${below() * height()}px` }} />
        </Show>
      </tbody>
    </table>
  );
}

/** The same as cards: what there is in two or three glances. */
export function Cards(props: Shown) {
  const actions = useActions();
  return (
    <ul class="cards">
      <For each={props.servers}>
        {(server) => (
          <li class="card" classList={{ leaving: actions.leaving(server.id), selected: props.selection.has(server.id) }} data-id={server.id}>
            <div class="card-head">
              <A href={`/w/${server.id}`} class="name" data-tip={server.name}>
                {server.name}
              </A>
              <input
                type="checkbox"
                aria-label={`Select ${server.name}`}
                checked={props.selection.has(server.id)}
                onChange={() => props.selection.toggle(server.id)}
              />
            </div>
            <Image server={server} />
            <div class="card-state">
              <StatusBadge status={server.status} />
              <span class="reason">{summary(server)}</span>
            </div>
            <div class="card-foot">
              <Owner server={server} />
              <span class="muted small">
                <Ago at={server.created_at} now={props.now} />
              </span>
              <span class="card-actions">
                <Primary server={server} />
                <More server={server} />
              </span>
            </div>
          </li>
        )}
      </For>
    </ul>
  );
}
