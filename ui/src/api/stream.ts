/** What a stream tells besides its events. */
export type StreamState = "connecting" | "live" | "waiting";

export interface StreamHandlers {
  /** Events by name; unnamed ones arrive as `message`. `data` is parsed JSON. */
  on: Record<string, (data: unknown) => void>;
  state: (state: StreamState) => void;
}

const RETRY_MS = [500, 1000, 2000, 5000, 10_000] as const;

/**
 * An EventSource that does not give up: the browser's own ends for good after an answer other than 200 (a proxy that is
 * being replaced), so that case is retried here, resuming after the last event seen.
 *
 * While the page is hidden the stream is closed: HTTP/1 browsers allow six connections to an origin in all their tabs.
 */
export function openStream(path: string, handlers: StreamHandlers): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let lastId = "";

  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };

  const open = () => {
    close();
    const separator = path.includes("?") ? "&" : "?";
    const opened = new EventSource(lastId ? `${path}${separator}lastEventId=${encodeURIComponent(lastId)}` : path);
    source = opened;
    handlers.state("connecting");
    opened.addEventListener("open", () => {
      failures = 0;
      handlers.state("live");
    });
    opened.addEventListener("error", () => {
      handlers.state("waiting");
      if (opened.readyState !== EventSource.CLOSED) return; // the browser reconnects by itself
      timer = setTimeout(open, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    });
    for (const [name, handle] of Object.entries(handlers.on)) {
      opened.addEventListener(name, (event) => {
        const { data, lastEventId } = event as MessageEvent<string>;
        if (lastEventId) lastId = lastEventId;
        handle(parsed(data));
      });
    }
  };

  const onVisibility = () => {
    if (document.visibilityState === "hidden") close();
    else if (!source) open();
  };

  document.addEventListener("visibilitychange", onVisibility);
  if (document.visibilityState !== "hidden") open();
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    close();
  };
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
