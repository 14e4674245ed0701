import { createSignal } from "solid-js";

/** A view that somebody gave a name, kept in this browser; it is an address like any other. */
export interface SavedView {
  name: string;
  search: string;
}

const KEY = "guildnet-views";

function stored(): SavedView[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((one): one is SavedView => typeof one?.name === "string" && typeof one?.search === "string") : [];
  } catch {
    return [];
  }
}

const [views, setViews] = createSignal<readonly SavedView[]>(stored());
export { views as savedViews };

function keep(next: readonly SavedView[]): void {
  setViews(next);
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // Shown until the page is left.
  }
}

export function saveView(view: SavedView): void {
  keep([...views().filter(({ name }) => name !== view.name), view]);
}

export function forgetView(name: string): void {
  keep(views().filter((view) => view.name !== name));
}
