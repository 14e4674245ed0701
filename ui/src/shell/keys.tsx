import { useNavigate } from "@solidjs/router";
import { For, onCleanup, onMount } from "solid-js";
import { Dialog } from "../components/dialog";
import "./keys.css";
import { paletteKeys, useShell } from "./shell";

/** What keys do, where. Pages add theirs to this list; single letters are heard only outside of fields. */
export const KEYS: readonly { where: string; keys: readonly [keys: string, does: string][] }[] = [
  {
    where: "Everywhere",
    keys: [
      [paletteKeys, "Find a workspace or an action"],
      ["?", "Show this list"],
      ["n", "New workspace"],
      ["g w", "Go to the workspaces"],
      ["g h", "Go to health and usage"],
      ["g m", "Go to you and your rights"],
      ["Esc", "Close what is open"],
    ],
  },
  {
    where: "List of workspaces",
    keys: [
      ["/", "Search"],
      ["j k", "Next and previous workspace"],
      ["Enter", "Show the workspace"],
      ["o", "Open it"],
      ["l", "Its logs"],
      ["x", "Select it"],
    ],
  },
  {
    where: "A workspace",
    keys: [
      ["o", "Open"],
      ["t", "Timeline"],
      ["l", "Logs"],
      ["s", "Settings"],
    ],
  },
  {
    where: "A log, where the focus is in it",
    keys: [
      ["End", "Follow the newest line"],
      ["Home", "Go to the oldest line that is kept"],
      ["c", "Copy a link to the line at the top"],
    ],
  },
];

export function Keys(props: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={props.open} onClose={props.onClose} title="Keyboard shortcuts">
      <div class="keys">
        <For each={KEYS}>
          {({ where, keys }) => (
            <section>
              <h3>{where}</h3>
              <dl>
                <For each={keys}>
                  {([key, does]) => (
                    <div>
                      <dt>
                        <For each={key.split(" ")}>{(one) => <kbd>{one}</kbd>}</For>
                      </dt>
                      <dd>{does}</dd>
                    </div>
                  )}
                </For>
              </dl>
            </section>
          )}
        </For>
      </div>
    </Dialog>
  );
}

/** Whether a key is typed into something, or belongs to a dialog, menu or the like. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.isComposing ||
    Boolean(target?.closest?.("input, textarea, select, [contenteditable], dialog, [role=menu]"))
  );
}

/** Hears the keys of a page for as long as it is shown; by `event.key`. */
export function useKeys(handlers: Record<string, (event: KeyboardEvent) => void>): void {
  const heard = (event: KeyboardEvent) => {
    if (event.defaultPrevented || isTyping(event)) return;
    const handle = handlers[event.key];
    if (!handle) return;
    event.preventDefault();
    handle(event);
  };
  onMount(() => {
    document.addEventListener("keydown", heard);
    onCleanup(() => document.removeEventListener("keydown", heard));
  });
}

const GO_MS = 1200;

/** The keys that work on every page. */
export function onKeys(): void {
  const shell = useShell();
  const navigate = useNavigate();
  let going = 0;
  const go: Record<string, string> = { w: "/", h: "/health", m: "/me" };
  const heard = (event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return shell.showPalette();
    }
    if (isTyping(event)) return;
    const to = Date.now() - going < GO_MS ? go[event.key] : undefined;
    going = event.key === "g" ? Date.now() : 0;
    if (to) {
      // Before the page's own keys: `g h` is not its `h`.
      event.preventDefault();
      event.stopPropagation();
      navigate(to);
    } else if (event.key === "?") shell.showKeys();
    else if (event.key === "n") {
      event.preventDefault();
      navigate("/new");
    }
  };
  onMount(() => {
    document.addEventListener("keydown", heard, true);
    onCleanup(() => document.removeEventListener("keydown", heard, true));
  });
}
