import { createSignal } from "solid-js";

export interface Selection {
  has: (id: string) => boolean;
  toggle: (id: string) => void;
  setAll: (ids: readonly string[]) => void;
  ids: () => ReadonlySet<string>;
}

/** Which workspaces are ticked. */
export function createSelection(): Selection {
  const [ids, setIds] = createSignal<ReadonlySet<string>>(new Set());
  return {
    ids,
    has: (id) => ids().has(id),
    toggle: (id) => setIds((all) => new Set(all.has(id) ? [...all].filter((other) => other !== id) : [...all, id])),
    setAll: (all) => setIds(new Set(all)),
  };
}
