import { Match, Switch, type JSX } from "solid-js";
import type { Status } from "../api/types";
import { hue, initials } from "../lib/people";
import { STATUS_LABEL } from "../lib/server";
import "./badge.css";

/** The status as a shape and a word; the colour only repeats it. */
export function StatusBadge(props: { status: Status }) {
  return (
    <span class={`status status-${props.status}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2">
        <Switch>
          <Match when={props.status === "running"}>
            <circle cx="6" cy="6" r="5" fill="currentColor" stroke="none" />
          </Match>
          <Match when={props.status === "pending"}>
            <circle cx="6" cy="6" r="5" />
          </Match>
          <Match when={props.status === "failed"}>
            <path d="M6 .8 11.6 11H.4z" fill="currentColor" stroke="none" />
          </Match>
          <Match when={props.status === "stopped"}>
            <path d="M2 2h8v8H2z" />
          </Match>
        </Switch>
      </svg>
      {STATUS_LABEL[props.status]}
    </span>
  );
}

export function Badge(props: { children: JSX.Element; tip?: string }) {
  return (
    <span class="badge" data-tip={props.tip}>
      {props.children}
    </span>
  );
}

/** Initials of a person or program, coloured by the name. Decoration: the name stands beside it. */
export function Avatar(props: { name: string }) {
  return (
    <span class="avatar" aria-hidden="true" style={{ "--hue": String(hue(props.name)) }}>
      {initials(props.name)}
    </span>
  );
}
