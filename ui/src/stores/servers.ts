import { batch, createSignal, onCleanup } from "solid-js";
import { createStore, produce, reconcile } from "solid-js/store";
import { signedOut, heardOfSession } from "../api/auth";
import { api, ApiError } from "../api/client";
import type { ListMessage } from "../api/list-hub";
import { followList } from "../api/list-source";
import type { StreamState } from "../api/stream";
import type { Server, Synced } from "../api/types";

export interface ServerList {
  servers: Record<string, Server>;
  /** False until a whole list has arrived. */
  loaded: () => boolean;
  /** Why there is no list yet; undefined when there is one, or when it is on its way. */
  error: () => ApiError | undefined;
  retry: () => void;
  stream: () => StreamState;
  /** When the API was last heard of by the stream, in milliseconds since 1970; 0 for never. */
  heard: () => number;
  /** Seconds since the cluster last confirmed the list, as the stream told when that became so; 0 while it is live. */
  stale: () => number;
  put: (server: Server) => void;
  drop: (id: string) => void;
}

const RETRY_MS = 5000;

/**
 * The list, kept live by one stream, which tells everything when it opens for the first time and then every change. The
 * list is also fetched once: that shows it sooner, and is where an error has words. Call it below a reactive root.
 */
export function createServerList(): ServerList {
  const [servers, setServers] = createStore<Record<string, Server>>({});
  const [loaded, setLoaded] = createSignal(false);
  const [error, setError] = createSignal<ApiError>();
  const [stream, setStream] = createSignal<StreamState>("connecting");
  const [heard, setHeard] = createSignal(0);
  const [stale, setStale] = createSignal(0);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const put = (server: Server) => setServers(server.id, reconcile(server));
  const drop = (...ids: string[]) =>
    setServers(
      produce((all) => {
        for (const id of ids) delete all[id];
      }),
    );
  const synced = ({ full, ids = [] }: Synced) => {
    if (full) {
      const present = new Set(ids);
      drop(...Object.keys(servers).filter((id) => !present.has(id)));
    }
    setLoaded(true);
    setError(undefined);
  };
  const told = ([name, data]: ListMessage) => {
    if (name === "server") put(data);
    else if (name === "gone") drop(data.id);
    else if (name === "synced") synced(data);
    else if (name === "stale") setStale(data.seconds);
    else if (name === "heard") setHeard(data);
    else {
      if (data === "live") setStale(0);
      // The stream may be a worker's, whose knowledge of the session is not this page's.
      if (data === "signed-out") heardOfSession(401);
      if (data === "live" && signedOut()) heardOfSession(200);
      setStream(data);
    }
  };
  const fetchOnce = async () => {
    clearTimeout(timer);
    try {
      const list = await api.servers();
      if (loaded()) return; // the stream was faster, and is newer
      batch(() => {
        setServers(reconcile(Object.fromEntries(list.map((server) => [server.id, server]))));
        setLoaded(true);
        setError(undefined);
      });
    } catch (cause) {
      if (loaded()) return;
      setError(cause as ApiError);
      timer = setTimeout(fetchOnce, RETRY_MS);
    }
  };

  onCleanup(followList((messages) => batch(() => messages.forEach(told))));
  onCleanup(() => clearTimeout(timer));
  void fetchOnce();

  return { servers, loaded, error, retry: () => void fetchOnce(), stream, heard, stale, put, drop };
}
