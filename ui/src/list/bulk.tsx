import { For, Show } from "solid-js";
import type { Server } from "../api/types";
import { Button } from "../components/button";
import { VERB_ICON, VERB_LABEL, verbs } from "../lib/server";
import { useActions, type Verb } from "../stores/actions";
import "./bulk.css";
import type { Selection } from "./selection";

const VERBS: readonly Verb[] = ["start", "stop", "restart", "delete"];

/** What can be done to all that are ticked; each verb says for how many of them it makes sense. */
export function Bulk(props: { servers: readonly Server[]; selection: Selection }) {
  const actions = useActions();
  const ticked = () => props.servers.filter(({ id }) => props.selection.has(id));
  const fit = (verb: Verb) => ticked().filter((server) => verbs(server).includes(verb));
  return (
    <Show when={ticked().length > 0}>
      <section class="bulk" aria-label="Selected workspaces">
        <span role="status">
          <b>{ticked().length}</b> selected
        </span>
        <For each={VERBS}>
          {(verb) => (
            <Show when={fit(verb).length > 0}>
              <Button
                small
                icon={VERB_ICON[verb]}
                variant={verb === "delete" ? "danger" : undefined}
                refused={actions.whyNot(verb)}
                onClick={() => {
                  actions.act(verb, ...fit(verb));
                  props.selection.setAll([]);
                }}
              >
                {VERB_LABEL[verb]} {fit(verb).length}
              </Button>
            </Show>
          )}
        </For>
        <Button variant="quiet" square small icon="close" label="Select none" onClick={() => props.selection.setAll([])} />
      </section>
    </Show>
  );
}
