import { A } from "@solidjs/router";
import { Show } from "solid-js";
import type { Server } from "../api/types";
import { address } from "../lib/server";
import type { Actions } from "../stores/actions";
import { useSession } from "../stores/session";
import { Icon } from "./icons";

/** The buttons of one server. Names carry the server's, so that a list of buttons read aloud makes sense. */
export function ServerActions(props: {
  server: Server;
  actions: Actions;
  onDelete: (server: Server) => void;
  detail?: boolean;
}) {
  const { may } = useSession();
  const busy = () => props.actions.busy(props.server.id);
  const stopped = () => props.server.status === "stopped";
  return (
    <div class="actions">
      <Show
        when={props.server.status === "running"}
        fallback={
          <span class="button disabled" aria-disabled="true" title="It can be opened when it runs">
            <Icon name="open" />
            Open
          </span>
        }
      >
        <a class="button primary" href={address(props.server)} target="_blank" rel="noopener" aria-label={`Open ${props.server.name}`}>
          <Icon name="open" />
          Open
        </a>
      </Show>
      <Show when={!props.detail && may("readLogs")}>
        <A class="button square" href={`/servers/${props.server.id}`} aria-label={`Logs of ${props.server.name}`} title="Logs">
          <Icon name="logs" />
        </A>
      </Show>
      <Show when={stopped() ? may("start") : may("stop")}>
        <button
          type="button"
          class="square"
          disabled={busy()}
          aria-label={`${stopped() ? "Start" : "Stop"} ${props.server.name}`}
          title={stopped() ? "Start" : "Stop"}
          onClick={() => (stopped() ? props.actions.start(props.server) : props.actions.stop(props.server))}
        >
          <Icon name={stopped() ? "start" : "stop"} />
        </button>
      </Show>
      <Show when={may("delete")}>
        <button
          type="button"
          class="square"
          disabled={busy()}
          aria-label={`Delete ${props.server.name}`}
          title="Delete"
          onClick={() => props.onDelete(props.server)}
        >
          <Icon name="remove" />
        </button>
      </Show>
    </div>
  );
}
