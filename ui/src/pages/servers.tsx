import { createMemo, createSignal, Match, Show, Switch } from "solid-js";
import { DeleteDialog } from "../components/delete-dialog";
import { Dialog } from "../components/dialog";
import { Icon } from "../components/icons";
import { LaunchForm } from "../components/launch-form";
import { ServerTable } from "../components/server-table";
import { SignIn } from "../components/sign-in";
import { Toolbar } from "../components/toolbar";
import type { Server } from "../api/types";
import { matches, order, type Filter } from "../lib/server";
import { createActions } from "../stores/actions";
import { createClock } from "../stores/clock";
import { useNotices } from "../stores/notices";
import { useSession } from "../stores/session";

export function ServersPage() {
  const { list, me, presets, may } = useSession();
  const notices = useNotices();
  const actions = createActions();
  const now = createClock();
  const [filter, setFilter] = createSignal<Filter>({ text: "", status: "all" });
  const [launching, setLaunching] = createSignal(false);
  const [doomed, setDoomed] = createSignal<Server>();

  const all = createMemo(() => Object.values(list.servers).toSorted(order));
  const shown = createMemo(() => all().filter((server) => matches(server, filter())));
  const offered = () => (presets.state === "ready" ? presets() : []);
  const stranger = () => me.state === "ready" && me().kind === "anonymous";

  const LaunchButton = () => (
    <button type="button" class="primary" onClick={() => setLaunching(true)}>
      <Icon name="add" />
      Launch
    </button>
  );

  return (
    <Show when={!stranger()} fallback={<SignIn />}>
      <div class="page-head">
        <h1>Workspaces</h1>
        <Show when={may("launch")}>
          <LaunchButton />
        </Show>
      </div>
      <Switch>
        <Match when={list.error()}>
          {(error) => (
            <p class="panel problem" role="alert">
              {error().message}
            </p>
          )}
        </Match>
        <Match when={!list.loaded()}>
          <p class="panel quiet-text">Loading…</p>
        </Match>
        <Match when={all().length === 0}>
          <div class="panel empty">
            <h2>Nothing runs here yet</h2>
            <p>Launch JupyterLab, VS Code or any container with a web port; it opens in a tab of its own.</p>
            <Show when={may("launch")}>
              <LaunchButton />
            </Show>
          </div>
        </Match>
        <Match when={all().length > 0}>
          <Toolbar servers={all()} filter={filter()} onFilter={setFilter} />
          <Show when={shown().length > 0} fallback={<p class="panel quiet-text">None of them is like that.</p>}>
            <ServerTable servers={shown()} now={now()} actions={actions} onDelete={setDoomed} />
          </Show>
        </Match>
      </Switch>
      <Dialog open={launching()} onClose={() => setLaunching(false)} title="Launch a workspace">
        <Show when={launching()}>
          <LaunchForm
            presets={offered()}
            onCancel={() => setLaunching(false)}
            onLaunched={(id) => {
              setLaunching(false);
              notices.done(`${id} is being launched.`);
            }}
          />
        </Show>
      </Dialog>
      <DeleteDialog server={doomed()} onClose={() => setDoomed(undefined)} onDelete={(server) => void actions.remove(server)} />
    </Show>
  );
}
