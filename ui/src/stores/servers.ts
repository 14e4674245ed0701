import { createSignal, onCleanup } from "solid-js";
import { createStore, produce, reconcile } from "solid-js/store";
import { api, ApiError } from "../api/client";
import { openStream, type StreamState } from "../api/stream";
import type { Gone, Server, Stale, Synced } from "../api/types";

export interface ServerList {
  servers: Record<string, Server>;
  /** False until a whole list has arrived. */
  loaded: () => boolean;
  /** Why there is no list yet; undefined when there is one, or when it is on its way. */
  error: () => ApiError | undefined;
  stream: () => StreamState;
  /** Seconds since the cluster last confirmed the list, as the stream told when that became so; 0 while it is live. */
  stale: () => number;
  put: (server: Server) => void;
  drop: (id: string) => void;
}

/**
 * The list, kept live by one stream, which tells everything when it opens for the first time and then every change. The
 * list is also fetched once: that shows it sooner, and is where an error has words. Call it below a reactive root.
 */
export function createServerList(): ServerList {
  const [servers, setServers] = createStore<Record<string, Server>>({});
  const [loaded, setLoaded] = createSignal(false);
  const [error, setError] = createSignal<ApiError>();
  const [stream, setStream] = createSignal<StreamState>("connecting");
  const [stale, setStale] = createSignal(0);

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
  const fetchOnce = async () => {
    try {
      const list = await api.servers();
      if (loaded()) return; // the stream was faster, and is newer
      setServers(reconcile(Object.fromEntries(list.map((server) => [server.id, server]))));
      setLoaded(true);
    } catch (cause) {
      if (!loaded()) setError(cause as ApiError);
    }
  };

  onCleanup(
    openStream("/sse/servers", {
      state: (state) => {
        // A stream that opens tells when what it tells is old.
        if (state === "live") setStale(0);
        setStream(state);
      },
      on: {
        server: (data) => put(data as Server),
        gone: (data) => drop((data as Gone).id),
        synced: (data) => synced(data as Synced),
        stale: (data) => setStale((data as Stale).seconds),
      },
    }),
  );
  void fetchOnce();

  return { servers, loaded, error, stream, stale, put, drop };
}
