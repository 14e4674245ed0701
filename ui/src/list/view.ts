import { useSearchParams } from "@solidjs/router";
import { createMemo, createSignal } from "solid-js";
import { matchesQuery, parseQuery } from "../lib/query";
import { comparing, parseSort, sortText, type Sort } from "../lib/sort";
import { useSession } from "../stores/session";

/** How the list is looked at: all of it in the address, so that Back, reload and a link keep it. */
export function createView() {
  const { list, me } = useSession();
  const [params, setParams] = useSearchParams<{ q?: string; sort?: string; as?: string }>();
  const [typed, setTyped] = createSignal(params.q ?? "");
  let timer: ReturnType<typeof setTimeout> | undefined;

  const query = () => params.q ?? "";
  const order = createMemo(() => parseSort(params.sort));
  const cards = () => params.as === "cards";
  const all = createMemo(() => Object.values(list.servers));
  const shown = createMemo(() => {
    const terms = parseQuery(query());
    const login = me.value()?.login;
    return all()
      .filter((server) => matchesQuery(terms, server, login))
      .toSorted(comparing(order()));
  });
  return {
    all,
    shown,
    query,
    /** What is in the box; it becomes the query a moment later: browsers refuse a hundred addresses in a few seconds. */
    typed,
    type: (text: string) => {
      setTyped(text);
      clearTimeout(timer);
      timer = setTimeout(() => setParams({ q: text.trim() || undefined }, { replace: true, scroll: false }), 120);
    },
    search: (text: string) => {
      clearTimeout(timer);
      setTyped(text);
      setParams({ q: text.trim() || undefined }, { scroll: false });
    },
    /** The address has changed by itself: Back, or a link. */
    follow: () => setTyped(query()),
    order,
    setOrder: (next: Sort) => setParams({ sort: sortText(next) }, { replace: true, scroll: false }),
    cards,
    setCards: (on: boolean) => setParams({ as: on ? "cards" : undefined }, { replace: true, scroll: false }),
  };
}

export type View = ReturnType<typeof createView>;
