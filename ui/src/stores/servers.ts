import { createSignal, onCleanup } from "solid-js";
import { createStore, produce, reconcile } from "solid-js/store";
import { api, ApiError } from "../api/client";
import { openStream, type StreamState } from "../api/stream";
import type { Server } from "../api/types";

export interface ServerList {
  servers: Record<string, Server>;
  /** False until the first list has arrived. */
  loaded: () => boolean;
  error: () => string;
  stream: () => StreamState;
  put: (server: Server) => void;
  drop: (id: string) => void;
}

/**
 * The list, kept live: every time the stream opens the whole list is fetched once, and what the stream said meanwhile is
 * applied after it, so that nothing told between the two is lost. Call it below a reactive root.
 */
export function createServerList(): ServerList {
  const [servers, setServers] = createStore<Record<string, Server>>({});
  const [loaded, setLoaded] = createSignal(false);
  const [error, setError] = createSignal("");
  const [stream, setStream] = createSignal<StreamState>("connecting");
  let queue: (() => void)[] | undefined;

  const put = (server: Server) => setServers(server.id, reconcile(server));
  const drop = (id: string) =>
    setServers(
      produce((all) => {
        delete all[id];
      }),
    );
  const apply = (change: () => void) => (queue ? queue.push(change) : change());

  const refresh = async () => {
    const mine: (() => void)[] = (queue = []);
    try {
      const list = await api.servers();
      if (queue !== mine) return; // a later one is on its way
      setServers(reconcile(Object.fromEntries(list.map((server) => [server.id, server]))));
      setError("");
      setLoaded(true);
    } catch (cause) {
      setError(cause instanceof ApiError ? cause.message : String(cause));
    } finally {
      if (queue === mine) {
        queue = undefined;
        for (const change of mine) change();
      }
    }
  };

  onCleanup(
    openStream("/sse/servers", {
      state: (state) => {
        setStream(state);
        if (state === "live") void refresh();
      },
      on: {
        server: (data) => apply(() => put(data as Server)),
        gone: (data) => apply(() => drop((data as { id: string }).id)),
      },
    }),
  );
  void refresh();

  return { servers, loaded, error, stream, put, drop };
}
