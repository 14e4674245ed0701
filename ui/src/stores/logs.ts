import { createSignal, onCleanup } from "solid-js";
import { openStream, type StreamState } from "../api/stream";
import type { LogLine } from "../api/types";
import { withoutEscapes } from "../lib/ansi";

export interface ShownLine {
  key: number;
  /** "note" marks what the stream said about itself: a restart, a gap, why it waits. */
  kind: "line" | "note";
  time?: string;
  level: string;
  text: string;
}

/** More than this is not kept: the oldest lines go. */
export const KEPT = 5000;

/** The log of one server, followed as long as the owner lives. Lines that arrive together are shown together. */
export function createLog(id: string, tail = 500) {
  const [lines, setLines] = createSignal<readonly ShownLine[]>([]);
  const [stream, setStream] = createSignal<StreamState>("connecting");
  let arrived: ShownLine[] = [];
  let frame = 0;
  let next = 0;

  const flush = () => {
    frame = 0;
    const added = arrived;
    arrived = [];
    setLines((shown) => [...shown, ...added].slice(-KEPT));
  };
  const add = (line: Omit<ShownLine, "key">) => {
    arrived.push({ key: next++, ...line });
    frame ||= requestAnimationFrame(flush);
  };
  const note = (text: string) => add({ kind: "note", level: "note", text });
  const said = (fallback: string) => (data: unknown) => {
    const { message, reason } = data as { message?: string; reason?: string };
    note(message || reason || fallback);
  };

  const close = openStream(`/sse/logs?target=${encodeURIComponent(id)}&tail=${tail}`, {
    state: setStream,
    on: {
      message: (data) => {
        const line = data as LogLine;
        add({
          kind: "line",
          level: line.lvl ?? "info",
          text: withoutEscapes(line.msg ?? ""),
          ...(line.t ? { time: line.t } : {}),
        });
      },
      source: (data) => {
        const { pod, restart = 0 } = data as { pod?: string; restart?: number };
        note(restart > 0 ? `Container started anew, restart ${restart}.` : `From pod ${pod ?? "?"}.`);
      },
      status: said("Waiting for the container."),
      gap: said("Some lines could not be recovered."),
    },
  });
  onCleanup(() => {
    close();
    cancelAnimationFrame(frame);
  });

  return { lines, stream, clear: () => setLines([]) };
}
