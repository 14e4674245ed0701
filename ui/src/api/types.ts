// The wire format of the API under the names that the UI uses; schema.ts is made from the API's own document.
import type { ImagePreset, Server, ServerCondition, ServerPort, WorkspaceEvent } from "./schema";

export type { Detail as FieldError, JobSpec, LogLine, Me, Server, UiConfig } from "./schema";
export type Status = Server["status"];
export type Port = ServerPort;
export type Condition = ServerCondition;
export type TimelineEvent = WorkspaceEvent;
export type Preset = ImagePreset;

/** `synced` of /sse/servers: with `full`, the stream has just told every server there is. */
export interface Synced {
  full: boolean;
  ids?: string[];
}

/** `stale` of /sse/servers: how long ago the cluster confirmed what is shown; 0 when it does again. */
export interface Stale {
  seconds: number;
}

/** What `Me.actions` may hold, as far as the UI asks. */
export type Action = "launch" | "delete" | "stopAll" | "readLogs" | "proxy" | "start" | "stop" | "update" | "list";
