import { createContext, createSignal, useContext, type JSX } from "solid-js";

export interface NoticeAction {
  label: string;
  /** Called once; the notice goes. */
  run: () => void;
}

export interface Notice {
  key: number;
  kind: "done" | "problem";
  text: string;
  action?: NoticeAction | undefined;
}

export interface NoticeBoard {
  notices: () => readonly Notice[];
  done: (text: string, action?: NoticeAction, ms?: number) => number;
  problem: (text: string, action?: NoticeAction) => number;
  dismiss: (key: number) => void;
  /** While a person points at or is in the messages, none goes by itself. */
  hold: (on: boolean) => void;
}

const Context = createContext<NoticeBoard>();
const DONE_MS = 6000;
const MOST = 4;

/** Short messages about what an action came to. Problems stay until they are dismissed. */
export function NoticesProvider(props: { children: JSX.Element }) {
  const [notices, setNotices] = createSignal<readonly Notice[]>([]);
  let next = 0;
  let held = false;
  const dismiss = (key: number) => setNotices((all) => all.filter((notice) => notice.key !== key));
  const expire = (key: number, ms: number) =>
    setTimeout(() => (held ? expire(key, 1000) : dismiss(key)), ms) as unknown as void;
  const add = (kind: Notice["kind"], text: string, action?: NoticeAction) => {
    const key = next++;
    setNotices((all) => [...all, { key, kind, text, action }].slice(-MOST));
    return key;
  };
  const board: NoticeBoard = {
    notices,
    dismiss,
    hold: (on) => (held = on),
    done: (text, action, ms = DONE_MS) => {
      const key = add("done", text, action);
      expire(key, ms);
      return key;
    },
    problem: (text, action) => add("problem", text, action),
  };
  return <Context.Provider value={board}>{props.children}</Context.Provider>;
}

export function useNotices(): NoticeBoard {
  const board = useContext(Context);
  if (!board) throw new Error("useNotices outside of NoticesProvider");
  return board;
}
