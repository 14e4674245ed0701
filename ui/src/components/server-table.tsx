import { A } from "@solidjs/router";
import { For, Show } from "solid-js";
import type { Server } from "../api/types";
import { imageParts } from "../lib/server";
import { age } from "../lib/time";
import type { Actions } from "../stores/actions";
import { ServerActions } from "./server-actions";
import { Reason, StatusBadge } from "./status";

export function ServerTable(props: {
  servers: readonly Server[];
  now: number;
  actions: Actions;
  onDelete: (server: Server) => void;
}) {
  return (
    <table class="servers">
      <thead>
        <tr>
          <th scope="col">Workspace</th>
          <th scope="col">Status</th>
          <th scope="col">Owner</th>
          <th scope="col">Age</th>
          <th scope="col">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        <For each={props.servers}>
          {(server) => (
            <tr>
              <th scope="row">
                <A href={`/servers/${server.id}`} class="name">
                  {server.name}
                </A>
                <span class="image" title={server.image}>
                  {imageParts(server.image).name}
                  <Show when={imageParts(server.image).tag}>
                    <span class="image-tag">{imageParts(server.image).tag}</span>
                  </Show>
                </span>
              </th>
              <td class="cell-status">
                <StatusBadge server={server} />
                <Reason server={server} />
              </td>
              <td class="cell-owner" title={server.owner}>
                {server.owner ?? "–"}
              </td>
              <td class="cell-age">
                <time datetime={server.created_at} title={server.created_at}>
                  {age(server.created_at, props.now)}
                </time>
              </td>
              <td class="cell-actions">
                <ServerActions server={server} actions={props.actions} onDelete={props.onDelete} />
              </td>
            </tr>
          )}
        </For>
      </tbody>
    </table>
  );
}
