import { A, Navigate, useNavigate, useParams } from "@solidjs/router";
import { Match, Show, Switch } from "solid-js";
import { Alert } from "../../components/alert";
import { Button } from "../../components/button";
import { EmptyState } from "../../components/empty-state";
import { Tabs, type Tab } from "../../components/tabs";
import { timeline } from "../../lib/timeline";
import { useKeys } from "../../shell/keys";
import { createClock } from "../../stores/clock";
import { useTitle } from "../../stores/title";
import { createWorkspace } from "../../stores/workspace";
import { FrameTab } from "./frame-tab";
import { WorkspaceHeader } from "./header";
import { LogsTab } from "./logs-tab";
import { SettingsTab } from "./settings-tab";
import { TimelineTab } from "./timeline-tab";
import { YamlTab } from "./yaml-tab";
import "./workspace.css";

const TABS: readonly { tab: string; label: string; icon: NonNullable<Tab["icon"]> }[] = [
  { tab: "timeline", label: "Timeline", icon: "timeline" },
  { tab: "open", label: "Open", icon: "box" },
  { tab: "logs", label: "Logs", icon: "logs" },
  { tab: "settings", label: "Settings", icon: "settings" },
  { tab: "yaml", label: "YAML", icon: "code" },
];

/** A workspace: what it is and does at the head, and five tabs below. */
export function WorkspacePage() {
  const params = useParams<{ name: string; tab?: string }>();
  const workspace = createWorkspace(() => params.name);
  const now = createClock(1000);
  const tabs = () => TABS.map(({ tab, label, icon }) => ({ href: `/w/${params.name}/${tab}`, label, icon }));
  const label = () => TABS.find(({ tab }) => tab === params.tab)?.label ?? "";
  useTitle(() => `${params.name}${label() ? ` · ${label()}` : ""}`);
  const known = () => workspace.server();
  const navigate = useNavigate();
  const go = (tab: string) => () => navigate(`/w/${params.name}/${tab}`);
  useKeys({ o: go("open"), t: go("timeline"), l: go("logs"), s: go("settings") });

  return (
    <Show when={params.tab} fallback={<Navigate href={`/w/${params.name}/timeline`} />}>
      <Show when={known()} fallback={<Unknown name={params.name} workspace={workspace} />}>
        {(server) => (
          <>
            <WorkspaceHeader server={server()} now={now()} timeline={timeline(server(), now())} detailed={workspace.detailed()} />
            <Show when={workspace.error()}>
              {(error) => (
                <Alert
                  kind="warning"
                  title="What you see may be old."
                  action={<Button onClick={() => void workspace.refresh()}>Try again</Button>}
                >
                  {error().message}
                </Alert>
              )}
            </Show>
            <Tabs label="Parts of this workspace" tabs={tabs()} />
            <Switch>
              <Match when={params.tab === "open"}>
                <FrameTab server={server()} timeline={timeline(server(), now())} />
              </Match>
              <Match when={params.tab === "timeline"}>
                <TimelineTab server={server()} now={now()} detailed={workspace.detailed()} />
              </Match>
              <Match when={params.tab === "logs"}>
                <LogsTab server={server()} />
              </Match>
              <Match when={params.tab === "settings"}>
                <SettingsTab name={params.name} server={server()} saved={() => void workspace.refresh()} />
              </Match>
              <Match when={params.tab === "yaml"}>
                <YamlTab server={server()} detailed={workspace.detailed()} />
              </Match>
            </Switch>
          </>
        )}
      </Show>
    </Show>
  );
}

function Unknown(props: { name: string; workspace: ReturnType<typeof createWorkspace> }) {
  const gone = () => props.workspace.error()?.status === 404;
  return (
    <Show
      when={props.workspace.error()}
      fallback={
        <p class="panel muted" role="status">
          Looking for {props.name} …
        </p>
      }
    >
      {(error) => (
        <EmptyState
          level={1}
          icon="box"
          title={gone() ? `There is no workspace ${props.name}` : `${props.name} cannot be shown`}
          action={
            <>
              <A class="button primary" href="/">
                All workspaces
              </A>
              <Button onClick={() => void props.workspace.refresh()}>Try again</Button>
            </>
          }
        >
          <p>{gone() ? "It was deleted, or you may not see it." : error().message}</p>
        </EmptyState>
      )}
    </Show>
  );
}
