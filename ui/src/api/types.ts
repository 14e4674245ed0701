// The wire format of the API under the names that the UI uses; schema.ts is made from the API's own document.
import type { ImagePreset, Server, ServerCondition, ServerPort, WorkspaceEvent } from "./schema";

export type {
  Action,
  AllDeleted,
  Deleted,
  Detail as FieldError,
  Error as Refusal,
  EnvValue,
  Expose,
  GoneEvent as Gone,
  ImageDefaults,
  InstallState,
  JobPatch,
  JobSpec,
  Launched,
  LogLine,
  Me,
  Readiness,
  Right,
  Server,
  StaleEvent as Stale,
  StartTime,
  Stats,
  SyncedEvent as Synced,
  UiConfig,
  Used,
} from "./schema";
export type Status = Server["status"];
export type Port = ServerPort;
export type Condition = ServerCondition;
export type TimelineEvent = WorkspaceEvent;
export type Preset = ImagePreset;
