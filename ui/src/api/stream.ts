import { heardOfSession } from "./auth";

/**
 * How a stream stands. `waiting`: the connection is lost and is being made again. `silent`: it seems to be there, but
 * nothing has come for longer than the API ever stays silent. `signed-out`: it is refused, since nobody is signed in.
 */
export type StreamState = "connecting" | "live" | "waiting" | "silent" | "signed-out";

export interface StreamHandlers {
  /** Events by name; unnamed ones arrive as `message`. `data` is parsed JSON, `id` empty for an event without one. */
  on: Record<string, (data: unknown, id: string) => void>;
  state: (state: StreamState) => void;
  /** Something came, be it a ping: the API sends one after 15 s of silence. */
  heard?: () => void;
}

const RETRY_MS = [500, 1000, 2000, 5000, 10_000] as const;
/** Two pings that have not come. */
export const SILENT_MS = 30_000;
/** How long a new connection may take after a silent one. */
const REOPEN_MS = 10_000;

/**
 * An EventSource that does not give up: the browser's own ends for good after an answer other than 200 (a proxy that is
 * being replaced), and waits for ever on a connection that a sleeping computer or another network has cut without a
 * word. Both are opened anew here, after the last event seen.
 *
 * While the page is hidden the stream is closed: HTTP/1 browsers allow six connections to an origin in all their tabs.
 * It begins after the event with the id `after`, where one is given.
 */
export function openStream(path: string, handlers: StreamHandlers, after = ""): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let lastId = after;
  let closed = false;

  const close = () => {
    clearTimeout(timer);
    clearTimeout(watchdog);
    source?.close();
    source = undefined;
  };
  const watch = (ms: number) => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      open("silent");
      watch(REOPEN_MS);
    }, ms);
  };
  const alive = () => {
    handlers.heard?.();
    watch(SILENT_MS);
  };
  /** Why it was refused cannot be seen by an EventSource. */
  const refused = async () => {
    source = undefined;
    clearTimeout(watchdog);
    timer = setTimeout(() => open("waiting"), RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    const status = await sessionStatus();
    if (status !== undefined) heardOfSession(status);
    if (status === 401 && !closed && !source) handlers.state("signed-out");
  };

  const open = (state: StreamState) => {
    close();
    const separator = path.includes("?") ? "&" : "?";
    const opened = new EventSource(lastId ? `${path}${separator}lastEventId=${encodeURIComponent(lastId)}` : path);
    source = opened;
    handlers.state(state);
    watch(SILENT_MS);
    opened.addEventListener("open", () => {
      failures = 0;
      handlers.state("live");
      alive();
    });
    opened.addEventListener("error", () => {
      handlers.state("waiting");
      // Else the browser reconnects by itself.
      if (opened.readyState === EventSource.CLOSED) void refused();
    });
    opened.addEventListener("ping", alive);
    for (const [name, handle] of Object.entries(handlers.on)) {
      opened.addEventListener(name, (event) => {
        const { data, lastEventId } = event as MessageEvent<string>;
        if (lastEventId) lastId = lastEventId;
        alive();
        handle(parsed(data), lastEventId);
      });
    }
  };

  const page = typeof document === "undefined" ? undefined : document;
  const onVisibility = () => {
    if (page?.visibilityState === "hidden") close();
    else if (!source) open("connecting");
  };

  page?.addEventListener("visibilitychange", onVisibility);
  if (page?.visibilityState !== "hidden") open("connecting");
  return () => {
    closed = true;
    page?.removeEventListener("visibilitychange", onVisibility);
    close();
  };
}

/** What the front door says to who asks now; undefined where it does not answer. */
async function sessionStatus(): Promise<number | undefined> {
  try {
    return (await fetch("/api/me", { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(10_000) })).status;
  } catch {
    return undefined;
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
