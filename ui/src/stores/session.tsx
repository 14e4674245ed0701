import { createContext, useContext, type JSX } from "solid-js";
import { api } from "../api/client";
import type { Action, Me, Preset, Right, Server, UiConfig, Used } from "../api/types";
import { createFact, type Fact } from "./fact";
import { createServerList, type ServerList } from "./servers";
import { createUsage } from "./usage";

export interface Session {
  config: Fact<UiConfig>;
  me: Fact<Me>;
  presets: Fact<Preset[]>;
  list: ServerList;
  /** What a workspace uses, where the cluster measures it. */
  used: (id: string) => Used | undefined;
  /** False where it is known that the caller may not; only the API decides, so what is not known is not in the way. */
  may: (action: Action) => boolean;
  /**
   * Why the caller may not, as a sentence; undefined where that is not known to be so. Of a workspace whose detail is known
   * it is the API's own answer for this very one.
   */
  whyNot: (action: Action, server?: Server) => string | undefined;
}

const Context = createContext<Session>();

export const DOES: Record<Action, string> = {
  launch: "launch workspaces",
  delete: "delete workspaces",
  stopAll: "delete all workspaces",
  readLogs: "read logs",
  proxy: "open workspaces",
  start: "start workspaces",
  stop: "stop workspaces",
  update: "change workspaces",
  list: "list workspaces",
};

const DOES_ONE: Partial<Record<Action, string>> = {
  delete: "delete it",
  readLogs: "read its log",
  proxy: "open it",
  start: "start it",
  stop: "stop it",
  update: "change it",
};

/** Why the caller may not do this with one workspace. */
function refusal({ action, reason, rule }: Right): string {
  return `You may not ${DOES_ONE[action] ?? DOES[action]}: ${reason ?? "a rule says so"} (rule ${rule}).`;
}

export function sentence(action: Action, who: Me): string {
  return who.kind === "anonymous"
    ? `Sign in to ${DOES[action]}.`
    : `You may not ${DOES[action]}: no rule allows “${action}” to ${who.login}.`;
}

/** What every page shares: who is here, what can be launched, and the one stream of the list. */
export function SessionProvider(props: { children: JSX.Element }) {
  const config = createFact(() => api.uiConfig());
  const me = createFact(() => api.me());
  const presets = createFact(() => api.images());
  const whyNot = (action: Action, server?: Server) => {
    const right = server?.rights?.find((one) => one.action === action);
    if (right) return right.allowed ? undefined : refusal(right);
    const who = me.value();
    return who?.actions && !who.actions.includes(action) ? sentence(action, who) : undefined;
  };
  const may = (action: Action) => whyNot(action) === undefined;
  const session: Session = { config, me, presets, list: createServerList(), used: createUsage(), may, whyNot };
  return <Context.Provider value={session}>{props.children}</Context.Provider>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("useSession outside of SessionProvider");
  return session;
}
