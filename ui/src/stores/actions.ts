import { createSignal } from "solid-js";
import { api } from "../api/client";
import type { Server } from "../api/types";
import { useNotices } from "./notices";
import { useSession } from "./session";

/** What can be done to a server from here; while one is under way, its server is `busy`. */
export function createActions() {
  const { list } = useSession();
  const notices = useNotices();
  const [busy, setBusy] = createSignal<ReadonlySet<string>>(new Set());

  const mark = (id: string, on: boolean) =>
    setBusy((ids) => {
      const next = new Set(ids);
      if (on) next.add(id);
      else next.delete(id);
      return next;
    });

  const run = async (server: Server, act: () => Promise<void>, said: string): Promise<boolean> => {
    mark(server.id, true);
    try {
      await act();
      notices.done(said);
      return true;
    } catch (cause) {
      notices.problem(`${server.name}: ${cause instanceof Error ? cause.message : String(cause)}`);
      return false;
    } finally {
      mark(server.id, false);
    }
  };

  return {
    busy: (id: string) => busy().has(id),
    stop: (server: Server) =>
      run(server, async () => list.put(await api.stop(server.id)), `${server.name} is being stopped.`),
    start: (server: Server) =>
      run(server, async () => list.put(await api.start(server.id)), `${server.name} is being started.`),
    remove: (server: Server) =>
      run(
        server,
        async () => {
          await api.remove(server.id);
        },
        `${server.name} is being deleted.`,
      ),
  };
}

export type Actions = ReturnType<typeof createActions>;
