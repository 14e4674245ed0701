import { Show } from "solid-js";
import type { Server } from "../api/types";
import { STATUS_LABEL } from "../lib/server";

/** The status in a word, with the reason below it where it is not simply running. */
export function StatusBadge(props: { server: Server }) {
  return (
    <span class={`status status-${props.server.status}`}>
      <span class="dot" />
      {STATUS_LABEL[props.server.status]}
    </span>
  );
}

export function Reason(props: { server: Server }) {
  return (
    <Show when={props.server.reason || props.server.message}>
      <p class="reason">
        <Show when={props.server.reason}>
          <b>{props.server.reason}</b>{" "}
        </Show>
        {props.server.message}
      </p>
    </Show>
  );
}
