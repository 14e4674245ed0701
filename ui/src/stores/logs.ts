import { createSignal, onCleanup } from "solid-js";
import { api, ApiError } from "../api/client";
import { openStream, type StreamState } from "../api/stream";
import type { LogLine, TimelineEvent } from "../api/types";
import type { LogModel } from "../lib/log-model";
import { OLDER, secondAfter, streamPath, type LogRequest } from "../lib/log-request";

const nothing = (): void => undefined;
/** Events that no line follows are shown after so long. */
const SETTLE_MS = 300;

export interface Log {
  /** Rises whenever the model has changed, at most once a frame. */
  version: () => number;
  stream: () => StreamState | "ended" | "paused";
  /** Why nothing comes, in the API's words; empty while lines come. */
  status: () => string;
  /** Why the log cannot be had as it was asked for. */
  error: () => ApiError | undefined;
  /** Names of the containers whose lines were seen. */
  containers: () => readonly string[];
  /** Whether there may be older lines than the first. */
  hasOlder: () => boolean;
  /** Ask for lines before the first. */
  older: () => Promise<void>;
  /** Ask for the lines around a time that is not kept; whether it was found. */
  around: (time: string) => Promise<boolean>;
  /** Take lines again, after `paused`. */
  resume: () => void;
}

/**
 * The log of a workspace, put into a model as long as the owner lives. Lines that arrive together are shown together.
 * Where somebody reads further up (`held`), nothing from there on leaves; before that grows without bound, no more lines
 * are taken until `resume`, which goes on at the next one. `changed` is called after changes, at most once a frame: by
 * hand, since what an effect draws is in the page only when all effects are done.
 */
export function createLog(request: LogRequest, model: LogModel, view: { held: () => number | undefined; changed: () => void }): Log {
  const [version, setVersion] = createSignal(0);
  const [stream, setStream] = createSignal<StreamState | "ended" | "paused">("connecting");
  const [status, setStatus] = createSignal("");
  const [error, setError] = createSignal<ApiError>();
  const [containers, setContainers] = createSignal<readonly string[]>([]);
  const [hasOlder, setHasOlder] = createSignal(true);
  let frame = 0;
  let settling: ReturnType<typeof setTimeout> | undefined;
  let lastId = "";
  let close: () => void = nothing;
  let closed = false;

  const changed = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      model.trim(view.held());
      if (model.full && view.held() !== undefined) pause();
      setVersion((n) => n + 1);
      view.changed();
    });
  };
  const settle = () => {
    clearTimeout(settling);
    settling = setTimeout(() => model.settle() && changed(), SETTLE_MS);
  };
  const pause = () => {
    close();
    setStream("paused");
  };
  const line = (data: unknown, id: string) => {
    const found = data as LogLine;
    if (id) lastId = id;
    model.line(found);
    setStatus("");
    if (found.container && !containers().includes(found.container)) setContainers((all) => [...all, found.container ?? ""]);
    changed();
  };
  const ended = () => {
    close();
    setStream("ended");
    model.settle();
    model.mark("end", request.previous ? "That run ended here." : "Nothing follows.");
    changed();
  };
  const said = (data: unknown) => {
    const { message, reason } = data as { message?: string; reason?: string };
    setStatus(reason === "Live" ? "" : message || reason || "");
  };
  const source = (data: unknown) => {
    const { pod, container, restart = 0 } = data as { pod?: string; container?: string; restart?: number };
    const which = container ? `${container} of ` : "";
    model.mark("source", restart > 0 ? `${which}${pod ?? "the pod"}, restart ${restart}` : `${which}${pod ?? "the pod"}`);
    changed();
  };
  const gap = (data: unknown) => {
    const { message, lines } = data as { message?: string; lines?: number };
    model.mark("gap", `${message || "Lines are missing here."}${lines ? ` (${lines.toLocaleString("en")} lines)` : ""}`);
    changed();
  };
  const cut = (data: unknown) => {
    const { reason, message } = data as { reason?: string; message?: string };
    // A slow reader goes on where it was; a search that costs too much would do so for ever.
    if (reason !== "slow") {
      close();
      setStream("ended");
      setError(new ApiError(429, reason ?? "cut", message ?? "The search costs too much."));
    }
  };

  const event = (data: unknown) => {
    model.event(data as TimelineEvent);
    settle();
  };

  const open = () => {
    setStream("connecting");
    const on = { message: line, source, status: said, gap, cut, end: ended, event };
    close = openStream(streamPath(request), { state: (state) => !closed && setStream(state), on }, lastId);
  };
  /** An EventSource cannot see why it is refused. */
  const ask = async () => {
    try {
      await api.logHint(streamPath(request));
    } catch (cause) {
      const refused = cause as ApiError;
      if (closed || refused.status < 400 || refused.status === 401 || refused.status >= 500) return;
      close();
      setStream("ended");
      setError(refused);
    }
  };

  const list = async (more: Readonly<Record<string, string>>, between = "") => {
    const lines = await api.logs(request, { limit: String(OLDER), ...more });
    const added = model.prepend(lines, between);
    changed();
    return { lines, added };
  };
  const older = async () => {
    const first = model.oldestTime;
    const { added } = await list(first ? { until: first } : {});
    if (added === 0) setHasOlder(false);
  };
  const around = async (time: string) => {
    const { lines } = await list({ until: secondAfter(time) }, "Lines between are not shown here; the download has them.");
    return lines.some((one) => one.t === time);
  };

  open();
  void ask();
  onCleanup(() => {
    closed = true;
    close();
    clearTimeout(settling);
    cancelAnimationFrame(frame);
  });
  const resume = () => stream() === "paused" && open();
  return { version, stream, status, error, containers, hasOlder, older, around, resume };
}
