import { A } from "@solidjs/router";
import { createEffect, For, on, Show } from "solid-js";
import type { Server } from "../../api/types";
import { Button, ButtonLink } from "../../components/button";
import { CopyButton, useCopy } from "../../components/copy";
import { Icon } from "../../components/icons";
import { Menu, type MenuItem } from "../../components/menu";
import { StatusBadge } from "../../components/status";
import { Ago } from "../../components/time";
import { commandLine } from "../../lib/command-line";
import { plainName } from "../../lib/people";
import { address, launchAgain, VERB_ICON, VERB_LABEL, verbs } from "../../lib/server";
import { usedWords } from "../../lib/summary";
import { duration, type Timeline } from "../../lib/timeline";
import { useActions } from "../../stores/actions";
import { useNotices } from "../../stores/notices";
import { useSession } from "../../stores/session";

/** What a workspace is, how it is, where it is, and what can be done to it. */
export function WorkspaceHeader(props: { server: Server; now: number; timeline: Timeline; detailed: boolean }) {
  return (
    <div class="workspace-head">
      <A href="/" class="workspace-back">
        <Icon name="back" />
        Workspaces
      </A>
      <div class="workspace-title">
        <h1 tabindex="-1">{props.server.name}</h1>
        <StatusBadge status={props.server.status} />
        <Show when={props.detailed && props.server.status === "pending"}>
          <span class="muted" role="status">
            {props.timeline.now}
          </span>
        </Show>
        <Actions server={props.server} />
      </div>
      <Meta server={props.server} now={props.now} timeline={props.timeline} />
    </div>
  );
}

function Meta(props: { server: Server; now: number; timeline: Timeline }) {
  const { used } = useSession();
  const where = () => new URL(address(props.server), location.href).href;
  return (
    <ul class="workspace-meta">
      <li class="workspace-address">
        <a href={where()} target="_blank" rel="noopener">
          {where().replace(/^https?:\/\//, "").replace(/\/$/, "")}
        </a>
        <CopyButton text={where()} label="Copy the address" />
      </li>
      <Show when={props.server.files}>
        {(files) => (
          <li class="fate" classList={{ "fate-kept": files() === "kept" }} data-tip={FATE[files()]}>
            <Icon name={files() === "kept" ? "check" : "warning"} />
            Files {files() === "kept" ? "kept" : "lost on stop"}
          </li>
        )}
      </Show>
      <Show when={props.server.restarts}>
        {(count) => (
          <li>
            {count()} {count() === 1 ? "restart" : "restarts"}
          </li>
        )}
      </Show>
      <Show when={props.server.status === "running" && used(props.server.id)}>
        {(known) => <li data-tip="What it uses now">uses {usedWords(known())}</li>}
      </Show>
      <Show when={props.server.owner}>{(owner) => <li data-tip={owner()}>{plainName(owner())}</li>}</Show>
      <Show when={props.server.node}>{(node) => <li>on {node()}</li>}</Show>
      <Show when={props.server.created_at}>
        <li>
          made <Ago at={props.server.created_at} now={props.now} /> ago
        </li>
      </Show>
      <Show when={props.timeline.total}>{(total) => <li>started in {duration(total())}</li>}</Show>
    </ul>
  );
}

const FATE = {
  kept: "What is written below its volume's path stays when it stops, restarts or moves.",
  "lost on stop": "It has no volume: every file made since its start is gone when it stops or restarts.",
} as const;

function Actions(props: { server: Server }) {
  const actions = useActions();
  const { whyNot } = useSession();
  const copy = useCopy();
  const notices = useNotices();
  const name = () => props.server.name;
  const running = () => props.server.status === "running";
  let bar!: HTMLDivElement;
  let within = false;
  /** Taken out of the page, a button tells of no place that the focus goes to, as when the window loses it. */
  const left = (event: FocusEvent) => {
    if (event.relatedTarget) within = bar.contains(event.relatedTarget as Node);
  };
  const copied = async (line: string) => {
    if (await copy(line)) notices.done(`Copied: ${line}`);
  };
  const items = (): MenuItem[] => [
    { label: "Launch again like this", icon: "copy", href: launchAgain(props.server), refused: whyNot("launch") },
    { label: `Copy: ${commandLine.open(name())}`, icon: "terminal", act: () => void copied(commandLine.open(name())) },
    { label: `Copy: ${commandLine.why(name())}`, icon: "terminal", act: () => void copied(commandLine.why(name())) },
    ...verbs(props.server).map((verb) => ({
      label: `Copy: ${commandLine[verb](name())}`,
      icon: "terminal" as const,
      act: () => void copied(commandLine[verb](name())),
    })),
    { label: "Delete …", icon: "remove", danger: true, refused: actions.whyNot("delete", props.server), act: () => actions.act("delete", props.server) },
  ];
  // The button that was pressed may be gone with the state that it was for: the focus stays beside it.
  createEffect(
    on(
      () => props.server.status,
      () => {
        if (within && document.activeElement === document.body) bar.querySelector<HTMLElement>("button, a")?.focus();
      },
      { defer: true },
    ),
  );
  return (
    <div class="row workspace-actions" ref={bar} onFocusIn={() => (within = true)} onFocusOut={left}>
      <Show when={running()}>
        <ButtonLink variant="primary" icon="open" href={address(props.server)} target="_blank" rel="noopener" refused={whyNot("proxy", props.server)}>
          Open
        </ButtonLink>
      </Show>
      <For each={verbs(props.server).filter((verb) => verb !== "delete")}>
        {(verb) => (
          <Button
            variant={verb === "start" ? "primary" : undefined}
            icon={VERB_ICON[verb]}
            busy={actions.busy(props.server.id)}
            refused={actions.whyNot(verb, props.server)}
            onClick={() => actions.act(verb, props.server)}
          >
            {VERB_LABEL[verb]}
          </Button>
        )}
      </For>
      <Menu label={`More about ${name()}`} items={items()} />
    </div>
  );
}
