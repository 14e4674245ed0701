import { createContext, createSignal, useContext, type JSX } from "solid-js";

export interface Notice {
  key: number;
  kind: "done" | "problem";
  text: string;
}

interface NoticeBoard {
  notices: () => readonly Notice[];
  done: (text: string) => void;
  problem: (text: string) => void;
  dismiss: (key: number) => void;
}

const Context = createContext<NoticeBoard>();
const DONE_MS = 5000;

/** Short messages about what an action came to. Problems stay until they are dismissed. */
export function NoticesProvider(props: { children: JSX.Element }) {
  const [notices, setNotices] = createSignal<readonly Notice[]>([]);
  let next = 0;
  const dismiss = (key: number) => setNotices((all) => all.filter((notice) => notice.key !== key));
  const add = (kind: Notice["kind"], text: string) => {
    const key = next++;
    setNotices((all) => [...all, { key, kind, text }].slice(-4));
    if (kind === "done") setTimeout(() => dismiss(key), DONE_MS);
  };
  const board: NoticeBoard = {
    notices,
    dismiss,
    done: (text) => add("done", text),
    problem: (text) => add("problem", text),
  };
  return <Context.Provider value={board}>{props.children}</Context.Provider>;
}

export function useNotices(): NoticeBoard {
  const board = useContext(Context);
  if (!board) throw new Error("useNotices outside of NoticesProvider");
  return board;
}
