// The wire format of the API, as far as the UI reads it.

export type Status = "pending" | "running" | "failed" | "stopped";

export interface Port {
  port: number;
  name?: string;
}

export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface TimelineEvent {
  t?: string;
  object?: string;
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
}

export interface Server {
  id: string;
  name: string;
  image: string;
  status: Status;
  reason?: string;
  message?: string;
  node?: string;
  owner?: string;
  created_at?: string;
  updated_at?: string;
  ports?: Port[];
  resources?: { cpu?: string; memory?: string };
  args?: string[];
  env?: Record<string, string>;
  notes?: string;
  url?: string;
  proxy_url: string;
  conditions?: Condition[];
  events?: TimelineEvent[];
}

export interface Preset {
  label: string;
  image: string;
  name?: string;
  description?: string;
  icon?: string;
  ports?: Port[];
}

export interface JobSpec {
  image: string;
  name?: string;
  env?: Record<string, string>;
  expose?: Port[];
  resources?: { cpu?: string; memory?: string };
  storage?: { size: string };
  presetsRef?: string;
}

export interface LogLine {
  t?: string;
  lvl?: "info" | "debug" | "error";
  msg?: string;
  container?: string;
  pod?: string;
}

/** `synced` of /sse/servers: with `full`, the stream has just told every server there is. */
export interface Synced {
  full: boolean;
  ids?: string[];
}

export interface UiConfig {
  name: string;
  version?: string;
}

export interface Me {
  login?: string;
  displayName?: string;
  kind: "user" | "node" | "token" | "anonymous";
  roles?: string[];
  actions?: Action[];
}

export type Action = "launch" | "delete" | "stopAll" | "readLogs" | "proxy" | "start" | "stop" | "update" | "list";

export interface FieldError {
  field: string;
  reason: string;
}
