import { createEffect, createMemo, createSignal, on, onCleanup } from "solid-js";
import { api, ApiError } from "../api/client";
import type { Server } from "../api/types";
import { useSession } from "./session";

/** What only the detail of a workspace has; all the rest the stream tells sooner. */
const DETAIL = ["command", "conditions", "events", "exposure", "labels", "ports", "presetsRef", "rights", "storage"] as const;
/** While something is under way events come by the second; afterwards now and then. */
const BUSY_MS = 2000;
const CALM_MS = 10_000;

export interface Workspace {
  /** All that is known of it; undefined before that, and after it is gone. */
  server: () => Server | undefined;
  /** Whether conditions and events are known. */
  detailed: () => boolean;
  /** Why the newest detail is not known; the one before stays. */
  error: () => ApiError | undefined;
  /** Ask for the detail now. */
  refresh: () => Promise<void>;
}

/**
 * One workspace, kept as the stream of the list tells it. Its conditions and events come with the detail alone, which is
 * asked for at every change and every few seconds while the page is seen: events are no change of the workspace.
 */
export function createWorkspace(name: () => string): Workspace {
  const { list } = useSession();
  const [detail, setDetail] = createSignal<Server>();
  const [error, setError] = createSignal<ApiError>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;

  const live = () => list.servers[name()];
  const mine = () => (detail()?.id === name() ? detail() : undefined);
  const server = createMemo(() => {
    const [now, more] = [live(), mine()];
    // Before there is a list, and where it leaves this one out, the detail is all there is.
    if (!now) return list.loaded() && error()?.status === 404 ? undefined : more;
    const own = more ? Object.fromEntries(DETAIL.flatMap((field) => (more[field] === undefined ? [] : [[field, more[field]]]))) : {};
    return { ...now, ...own };
  });
  const calm = () => server()?.status === "running" || server()?.status === "stopped";

  const refresh = async () => {
    clearTimeout(timer);
    const [id, turn] = [name(), ++asked];
    try {
      const found = await api.server(id);
      if (turn !== asked) return; // a later one has been sent since
      setDetail(found);
      setError(undefined);
    } catch (cause) {
      if (turn !== asked) return;
      setError(cause as ApiError);
      // The stream tells when there is one of this name.
      if ((cause as ApiError).status === 404) return;
    }
    if (document.visibilityState !== "hidden") timer = setTimeout(() => void refresh(), calm() ? CALM_MS : BUSY_MS);
  };
  const seen = () => document.visibilityState === "visible" && void refresh();

  /** Known without asking, which the browser would report as an error of the page. */
  const gone = () => {
    clearTimeout(timer);
    asked++;
    setError(new ApiError(404, "not_found", `There is no workspace ${name()}.`));
  };
  const changes = () => [name(), live()?.status, live()?.reason, live()?.updated_at, live()?.message] as const;
  createEffect(on(changes, ([id, status], before) => (before?.[0] === id && before[1] && !status ? gone() : void refresh())));
  document.addEventListener("visibilitychange", seen);
  onCleanup(() => {
    asked++;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  });
  return { server, detailed: () => mine() !== undefined, error, refresh };
}
