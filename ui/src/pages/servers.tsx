import { A } from "@solidjs/router";
import { createMemo, For, Match, Switch } from "solid-js";
import { Alert } from "../components/alert";
import { Button, ButtonLink } from "../components/button";
import { EmptyState } from "../components/empty-state";
import { StatusBadge } from "../components/status";
import { address, order, VERB_ICON, VERB_LABEL, verbs } from "../lib/server";
import { useActions } from "../stores/actions";
import { useSession } from "../stores/session";
import { useTitle } from "../stores/title";

export function ServersPage() {
  const { list, whyNot } = useSession();
  const actions = useActions();
  useTitle(() => "Workspaces");
  const all = createMemo(() => Object.values(list.servers).toSorted(order));
  return (
    <>
      <div class="page-head">
        <h1>Workspaces</h1>
        <ButtonLink variant="primary" icon="add" href="/new" refused={whyNot("launch")}>
          New
        </ButtonLink>
      </div>
      <Switch>
        <Match when={all().length > 0}>
          <ul>
            <For each={all()}>
              {(server) => (
                <li class="row">
                  <A href={`/w/${server.id}`}>{server.name}</A>
                  <StatusBadge status={server.status} />
                  <ButtonLink href={address(server)} label={`Open ${server.name}`}>
                    Open
                  </ButtonLink>
                  <For each={verbs(server)}>
                    {(verb) => (
                      <Button
                        icon={VERB_ICON[verb]}
                        square
                        label={`${VERB_LABEL[verb]} ${server.name}`}
                        busy={actions.busy(server.id)}
                        onClick={() => actions.act(verb, server)}
                      />
                    )}
                  </For>
                </li>
              )}
            </For>
          </ul>
        </Match>
        <Match when={list.error()}>{(error) => <Alert live>{error().message}</Alert>}</Match>
        <Match when={!list.loaded()}>
          <p class="panel muted">Loading…</p>
        </Match>
        <Match when={all().length === 0}>
          <EmptyState icon="box" title="Nothing runs here yet" />
        </Match>
      </Switch>
    </>
  );
}
