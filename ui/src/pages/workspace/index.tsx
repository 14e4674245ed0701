import { A, useParams } from "@solidjs/router";
import { Show } from "solid-js";
import { Alert } from "../../components/alert";
import { Button, ButtonLink } from "../../components/button";
import { Icon } from "../../components/icons";
import { StatusBadge } from "../../components/status";
import { address, VERB_ICON, VERB_LABEL, verbs } from "../../lib/server";
import { useActions } from "../../stores/actions";
import { useSession } from "../../stores/session";
import { useTitle } from "../../stores/title";
import { LogView } from "./log-view";

export function WorkspacePage() {
  const params = useParams<{ name: string }>();
  const { list } = useSession();
  const actions = useActions();
  const live = () => list.servers[params.name];
  useTitle(() => params.name);
  return (
    <>
      <A href="/" class="button quiet">
        <Icon name="back" />
        Workspaces
      </A>
      <Show
        when={live()}
        fallback={
          <p class="panel muted">{list.loaded() ? `There is no workspace ${params.name}, or not any more.` : "Loading…"}</p>
        }
      >
        {(server) => (
          <>
            <div class="page-head">
              <div>
                <h1>{server().name}</h1>
                <StatusBadge status={server().status} />
              </div>
              <div class="row">
                <ButtonLink
                  variant="primary"
                  icon="open"
                  href={address(server())}
                  target="_blank"
                  rel="noopener"
                  refused={server().status === "running" ? undefined : "It can be opened when it runs."}
                >
                  Open
                </ButtonLink>
                {verbs(server()).map((verb) => (
                  <Button
                    icon={VERB_ICON[verb]}
                    busy={actions.busy(server().id)}
                    refused={actions.whyNot(verb)}
                    onClick={() => actions.act(verb, server())}
                  >
                    {VERB_LABEL[verb]}
                  </Button>
                ))}
              </div>
            </div>
            <Show when={server().message}>
              <Alert kind={server().status === "failed" ? "problem" : "note"} title={server().reason}>
                {server().message}
              </Alert>
            </Show>
            <Show when={params.name} keyed>
              {(id) => <LogView id={id} />}
            </Show>
          </>
        )}
      </Show>
    </>
  );
}
