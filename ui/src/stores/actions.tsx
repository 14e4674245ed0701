import { createContext, createSignal, onCleanup, useContext, type JSX } from "solid-js";
import { api } from "../api/client";
import type { Server } from "../api/types";
import { inTurns } from "../lib/turns";
import { useNotices } from "./notices";
import { useSession } from "./session";

export type Verb = "stop" | "start" | "restart" | "delete";

/** Something that is asked before it is done. */
export interface Question {
  verb: Verb;
  servers: readonly Server[];
}

/** What became of one workspace of several. */
export interface Result {
  server: Server;
  state: "waiting" | "done" | "failed";
  message?: string;
}

export interface Bulk {
  verb: Verb;
  results: readonly Result[];
}

export interface Actions {
  /** Something is under way for this workspace. */
  busy: (id: string) => boolean;
  /** It was deleted here, and still can be taken back. */
  leaving: (id: string) => boolean;
  /** Why the caller may not; undefined where that is not known to be so. */
  whyNot: (verb: Verb, server?: Server) => string | undefined;
  /** Does it, after a question where work could be lost. */
  act: (verb: Verb, ...servers: Server[]) => void;
  question: () => Question | undefined;
  /** The answer to the question. */
  answer: (yes: boolean) => void;
  bulk: () => Bulk | undefined;
  closeBulk: () => void;
  /** What `delete all` deletes, once it is said; the workspaces leave by the stream. */
  deleteAll: () => Promise<readonly string[]>;
}

const Context = createContext<Actions>();

/** How long a deletion can be taken back. */
export const GRACE_MS = 7000;
const AT_ONCE = 4;
const SAYS: Record<Verb, (name: string) => string> = {
  stop: (name) => `${name} is being stopped.`,
  start: (name) => `${name} is being started.`,
  restart: (name) => `${name} is being restarted.`,
  delete: (name) => `${name} is being deleted.`,
};

/** Files of a workspace that are not on a volume go when its pod does: "lost", or "unknown" before it is said. */
export function atStake(server: Server): "lost" | "unknown" | undefined {
  if (server.status === "stopped" || server.files === "kept") return undefined;
  if (server.files === "lost on stop") return "lost";
  // One that has never run has made no files.
  return server.status === "running" ? "unknown" : undefined;
}

function asks(verb: Verb, servers: readonly Server[]): boolean {
  return verb === "delete" || ((verb === "stop" || verb === "restart") && servers.some(atStake));
}

/** What can be done to workspaces, from every page. */
export function ActionsProvider(props: { children: JSX.Element }) {
  const { list, whyNot } = useSession();
  const notices = useNotices();
  const [busy, setBusy] = createSignal<ReadonlySet<string>>(new Set());
  const [leaving, setLeaving] = createSignal<ReadonlyMap<string, () => void>>(new Map());
  const [question, setQuestion] = createSignal<Question>();
  const [bulk, setBulk] = createSignal<Bulk>();

  const mark = (id: string, on: boolean) =>
    setBusy((ids) => new Set(on ? [...ids, id] : [...ids].filter((other) => other !== id)));

  /** Raises ApiError. */
  const send = async (verb: Verb, id: string) => {
    mark(id, true);
    try {
      if (verb === "delete") await api.remove(id);
      else list.put(await api[verb](id));
    } finally {
      mark(id, false);
    }
  };
  const one = async (verb: Verb, server: Server) => {
    try {
      await send(verb, server.id);
      if (verb !== "delete") notices.done(SAYS[verb](server.name));
    } catch (cause) {
      notices.problem(`${server.name}: ${words(cause)}`, { label: "Try again", run: () => void one(verb, server) });
    }
  };
  const several = async (verb: Verb, servers: readonly Server[]) => {
    setBulk({ verb, results: servers.map((server): Result => ({ server, state: "waiting" })) });
    const tell = (id: string, state: Result["state"], message?: string) =>
      setBulk((now) => now && { ...now, results: now.results.map(became(id, state, message)) });
    await inTurns(servers, AT_ONCE, async (server) => {
      try {
        await send(verb, server.id);
        tell(server.id, "done");
      } catch (cause) {
        tell(server.id, "failed", words(cause));
      }
    });
  };

  /** Deletes them when the time to think is over, or when the page goes. */
  const leave = (servers: readonly Server[]) => {
    const names = servers.length === 1 ? servers[0]?.name : `${servers.length} workspaces`;
    const go = () => {
      clearTimeout(timer);
      back();
      notices.dismiss(key);
      const [first, ...others] = servers;
      if (first && others.length === 0) void one("delete", first);
      else void several("delete", servers);
    };
    const back = () => setLeaving((all) => new Map([...all].filter(([id]) => !servers.some((server) => server.id === id))));
    const timer = setTimeout(go, GRACE_MS);
    setLeaving((all) => new Map([...all, ...servers.map((server): [string, () => void] => [server.id, go])]));
    const undo = () => {
      clearTimeout(timer);
      back();
    };
    const key = notices.done(`${names} will be deleted.`, { label: "Undo", run: undo }, GRACE_MS);
  };
  const flush = () => {
    for (const go of new Set(leaving().values())) go();
  };
  addEventListener("pagehide", flush);
  onCleanup(() => removeEventListener("pagehide", flush));

  const perform = ({ verb, servers }: Question) => {
    const [first, ...others] = servers;
    if (verb === "delete") leave(servers);
    else if (first && others.length === 0) void one(verb, first);
    else void several(verb, servers);
  };

  const actions: Actions = {
    busy: (id) => busy().has(id),
    leaving: (id) => leaving().has(id),
    // To the rules a restart is a stop and a start.
    whyNot: (verb, server) => (verb === "restart" ? (whyNot("stop", server) ?? whyNot("start", server)) : whyNot(verb, server)),
    act: (verb, ...servers) => {
      if (servers.length === 0) return;
      if (asks(verb, servers)) setQuestion({ verb, servers });
      else perform({ verb, servers });
    },
    question,
    answer: (yes) => {
      const asked = question();
      setQuestion(undefined);
      if (yes && asked) perform(asked);
    },
    bulk,
    closeBulk: () => setBulk(undefined),
    deleteAll: async () => (await api.deleteAll(false)).deleted,
  };
  return <Context.Provider value={actions}>{props.children}</Context.Provider>;
}

function became(id: string, state: Result["state"], message?: string): (result: Result) => Result {
  return (result) =>
    result.server.id === id ? { server: result.server, state, ...(message ? { message } : {}) } : result;
}

function words(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

export function useActions(): Actions {
  const actions = useContext(Context);
  if (!actions) throw new Error("useActions outside of ActionsProvider");
  return actions;
}
