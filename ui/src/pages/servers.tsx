import { createEffect, createSignal, Match, on, Show, Switch } from "solid-js";
import { useNavigate } from "@solidjs/router";
import { Alert } from "../components/alert";
import { Button, ButtonLink } from "../components/button";
import { EmptyState } from "../components/empty-state";
import { address } from "../lib/server";
import { Bulk } from "../list/bulk";
import { DeleteAll } from "../list/delete-all";
import { Empty } from "../list/empty";
import { Cards, Rows } from "../list/rows";
import { createSelection } from "../list/selection";
import { Toolbar } from "../list/toolbar";
import { createView } from "../list/view";
import { useKeys } from "../shell/keys";
import { createClock } from "../stores/clock";
import { useSession } from "../stores/session";
import { useTitle } from "../stores/title";

/** The workspace that the keys are about: the one that has the focus. */
function focused(): string | undefined {
  return document.activeElement?.closest<HTMLElement>("[data-id]")?.dataset["id"];
}

function withFocused(act: (id: string) => void): () => void {
  return () => {
    const id = focused();
    if (id) act(id);
  };
}

/** Moves the focus to the next or previous workspace. */
function step(by: 1 | -1): void {
  const names = [...document.querySelectorAll<HTMLElement>("[data-id] .name")];
  const at = names.findIndex((name) => name.closest("[data-id]")?.contains(document.activeElement));
  const next = names[at < 0 ? (by > 0 ? 0 : names.length - 1) : at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

export function ServersPage() {
  const { list, whyNot } = useSession();
  const navigate = useNavigate();
  const now = createClock();
  const view = createView();
  const selection = createSelection();
  const [deletingAll, setDeletingAll] = createSignal(false);
  let field: HTMLInputElement | undefined;
  useTitle(() => "Workspaces");
  createEffect(on(view.query, view.follow, { defer: true }));
  useKeys({
    "/": () => field?.focus(),
    j: () => step(1),
    k: () => step(-1),
    x: withFocused(selection.toggle),
    l: withFocused((id) => navigate(`/w/${id}/logs`)),
    o: withFocused((id) => {
      const server = list.servers[id];
      if (server?.status === "running") window.open(address(server), "_blank", "noopener");
    }),
  });

  return (
    <>
      <div class="page-head">
        <h1 tabindex="-1">Workspaces</h1>
        <ButtonLink variant="primary" icon="add" href="/new" refused={whyNot("launch")}>
          New
        </ButtonLink>
      </div>
      <Switch>
        <Match when={view.all().length > 0}>
          <Toolbar view={view} searchField={(element) => (field = element)} onDeleteAll={() => setDeletingAll(true)} />
          <p class="hidden" role="status">
            {view.query() ? `${view.shown().length} of ${view.all().length} workspaces` : ""}
          </p>
          <Show
            when={view.shown().length > 0}
            fallback={
              <EmptyState icon="search" title="No workspace is like that" action={<Button onClick={() => view.search("")}>Show all</Button>}>
                <p>
                  Nothing matches <code>{view.query()}</code>.
                </p>
              </EmptyState>
            }
          >
            <Show when={view.cards()} fallback={<Rows servers={view.shown()} now={now()} selection={selection} />}>
              <Cards servers={view.shown()} now={now()} selection={selection} />
            </Show>
          </Show>
          <Bulk servers={view.all()} selection={selection} />
        </Match>
        <Match when={list.error()}>
          {(error) => (
            <Alert
              live
              title="The list cannot be loaded."
              action={
                <Button icon="refresh" onClick={() => list.retry()}>
                  Try again
                </Button>
              }
            >
              {error().message}
            </Alert>
          )}
        </Match>
        <Match when={!list.loaded()}>
          <p class="panel muted">Loading…</p>
        </Match>
        <Match when={view.all().length === 0}>
          <Empty />
        </Match>
      </Switch>
      <DeleteAll open={deletingAll()} onClose={() => setDeletingAll(false)} />
    </>
  );
}
