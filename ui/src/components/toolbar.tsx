import { For } from "solid-js";
import type { Server, Status } from "../api/types";
import { STATUS_LABEL, type Filter } from "../lib/server";
import { Icon } from "./icons";

const CHOICES: readonly (Status | "all")[] = ["all", "running", "pending", "failed", "stopped"];

export function Toolbar(props: { servers: readonly Server[]; filter: Filter; onFilter: (filter: Filter) => void }) {
  const count = (choice: Status | "all") =>
    choice === "all" ? props.servers.length : props.servers.filter((server) => server.status === choice).length;
  return (
    <div class="toolbar">
      <div class="choices" role="group" aria-label="Show by status">
        <For each={CHOICES}>
          {(choice) => (
            <button
              type="button"
              class="choice"
              aria-pressed={props.filter.status === choice}
              onClick={() => props.onFilter({ ...props.filter, status: choice })}
            >
              {choice === "all" ? "All" : STATUS_LABEL[choice]} <span class="count">{count(choice)}</span>
            </button>
          )}
        </For>
      </div>
      <label class="search">
        <Icon name="search" />
        <span class="hidden">Find by name, image or owner</span>
        <input
          type="search"
          placeholder="Find by name, image or owner"
          value={props.filter.text}
          onInput={(event) => props.onFilter({ ...props.filter, text: event.currentTarget.value })}
        />
      </label>
    </div>
  );
}
