import { createContext, createResource, useContext, type JSX, type Resource } from "solid-js";
import { api } from "../api/client";
import type { Action, Me, Preset, UiConfig } from "../api/types";
import { createServerList, type ServerList } from "./servers";

export interface Session {
  config: Resource<UiConfig>;
  me: Resource<Me>;
  presets: Resource<Preset[]>;
  list: ServerList;
  /** May the caller possibly do this? Only the API decides; this hides what would certainly be refused. */
  may: (action: Action) => boolean;
}

const Context = createContext<Session>();

/** What every page shares: who is here, what can be launched, and the one stream of the list. */
export function SessionProvider(props: { children: JSX.Element }) {
  const [config] = createResource(() => api.uiConfig());
  const [me] = createResource(() => api.me());
  const [presets] = createResource(() => api.images());
  const may = (action: Action) => {
    if (me.state !== "ready") return false;
    const actions = me()?.actions;
    return actions === undefined || actions.includes(action);
  };
  const session: Session = { config, me, presets, list: createServerList(), may };
  return <Context.Provider value={session}>{props.children}</Context.Provider>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("useSession outside of SessionProvider");
  return session;
}
