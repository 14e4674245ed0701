import { useNavigate } from "@solidjs/router";
import { createEffect, createMemo, createSignal, createUniqueId, For, on, Show } from "solid-js";
import { Icon } from "../components/icons";
import { StatusBadge } from "../components/status";
import type { Server } from "../api/types";
import { address, imageParts, VERB_ICON, verbs } from "../lib/server";
import { found, type Entry } from "../lib/palette";
import { useActions } from "../stores/actions";
import { useSession } from "../stores/session";
import { setTheme } from "../stores/theme";
import { signOut } from "./header";
import "./palette.css";
import { useShell } from "./shell";

const MOST = 12;

/** A box that finds workspaces and actions by parts of their names, and does what is chosen. */
export function Palette(props: { open: boolean; onClose: () => void }) {
  const { list, may } = useSession();
  const shell = useShell();
  const actions = useActions();
  const navigate = useNavigate();
  const id = createUniqueId();
  const [text, setText] = createSignal("");
  const [at, setAt] = createSignal(0);
  let dialog!: HTMLDialogElement;

  const go = (path: string) => () => navigate(path);
  const entries = createMemo((): Entry[] => {
    if (!props.open) return [];
    const ofServer = (server: Server): Entry[] => [
      { icon: "box", label: server.name, server, act: go(`/w/${server.id}`) },
      ...(server.status === "running"
        ? [{ icon: "open" as const, label: `${server.name} · open`, server, act: () => void window.open(address(server), "_blank", "noopener") }]
        : []),
      ...(may("readLogs") ? [{ icon: "logs" as const, label: `${server.name} · logs`, server, act: go(`/w/${server.id}/logs`) }] : []),
      ...verbs(server)
        .filter((verb) => !actions.whyNot(verb))
        .map((verb) => ({ icon: VERB_ICON[verb], label: `${server.name} · ${verb}`, server, act: () => actions.act(verb, server) })),
    ];
    const general: Entry[] = [
      ...(may("launch") ? [{ icon: "add" as const, label: "New workspace", act: go("/new") }] : []),
      { icon: "cards", label: "Workspaces", act: go("/") },
      { icon: "health", label: "Health and usage", act: go("/health") },
      { icon: "user", label: "You and your rights", act: go("/me") },
      { icon: "keyboard", label: "Keyboard shortcuts", act: () => shell.showKeys() },
      { icon: "sun", label: "Light theme", act: () => setTheme("light") },
      { icon: "moon", label: "Dark theme", act: () => setTheme("dark") },
      { icon: "system", label: "Theme of the system", act: () => setTheme("system") },
      { icon: "key", label: "Sign out", act: signOut },
    ];
    return [...Object.values(list.servers).flatMap(ofServer), ...general];
  });
  const shown = createMemo(() => found(entries(), text(), MOST));
  createEffect(on(text, () => setAt(0)));
  createEffect(() => {
    if (props.open && !dialog.open) {
      setText("");
      dialog.setAttribute("closedby", "any");
      dialog.showModal();
    }
    if (!props.open && dialog.open) dialog.close();
  });

  const choose = (entry: Entry | undefined) => {
    if (!entry) return;
    // Closed first: the focus goes back to where it was, and what is chosen may move it on.
    props.onClose();
    entry.act();
  };
  const key = (event: KeyboardEvent) => {
    const many = Math.max(1, shown().length);
    if (event.key === "ArrowDown") setAt((at() + 1) % many);
    else if (event.key === "ArrowUp") setAt((at() + many - 1) % many);
    else if (event.key === "Enter") choose(shown()[at()]);
    else return;
    event.preventDefault();
  };

  return (
    <dialog
      ref={dialog}
      class="dialog palette"
      aria-label="Find or do something"
      onClose={() => props.onClose()}
    >
      <div class="palette-field">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-label="Workspace or action"
          aria-expanded="true"
          aria-controls={id}
          aria-activedescendant={shown().length > 0 ? `${id}-${at()}` : undefined}
          autocomplete="off"
          spellcheck={false}
          placeholder="A workspace, or what to do"
          value={text()}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={key}
        />
      </div>
      <div class="palette-list" role="listbox" id={id} aria-label="Found">
        <For each={shown()}>
          {(entry, index) => (
            <div
              role="option"
              tabindex="-1"
              id={`${id}-${index()}`}
              aria-selected={index() === at()}
              class="palette-entry"
              onPointerMove={() => setAt(index())}
              onClick={() => choose(entry)}
              onKeyDown={key}
            >
              <Icon name={entry.icon} />
              <span class="palette-words">
                {entry.label}
                <Show when={entry.server}>
                  {(server) => <span class="muted small"> {imageParts(server().image).name}</span>}
                </Show>
              </span>
              <Show when={entry.server}>{(server) => <StatusBadge status={server().status} />}</Show>
            </div>
          )}
        </For>
      </div>
      <p class="palette-none" role="status">
        {shown().length === 0 ? `Nothing is called “${text()}”.` : ""}
      </p>
    </dialog>
  );
}
