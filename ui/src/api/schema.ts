// Made from the API's OpenAPI document by tests/unit/api/test_ui_types.py; change the schemas, not this file.
// An absent fact is an absent key; null is only in changes, where it takes away.

export type Action = "launch" | "delete" | "stopAll" | "readLogs" | "proxy" | "start" | "stop" | "update" | "list";

export interface AllDeleted {
  deleted: string[];
  dryRun?: boolean;
}

export interface CheckResult {
  message?: string;
  ok: boolean;
}

export interface CutEvent {
  lastEventId: string;
  message: string;
  reason: string;
}

export interface Deleted {
  deleted: string;
}

export interface Detail {
  field: string;
  reason: string;
}

export interface Document {
  openapi: string;
}

export interface EndEvent {
}

export interface EnvValue {
  secret?: boolean;
  value: string;
}

export interface Error {
  code: string;
  details?: Detail[];
  message: string;
  request_id?: string;
}

export interface Expose {
  name?: string;
  pathMode?: "Strip" | "Preserve";
  port: number;
}

export interface Exposure {
  domain?: string;
  type: "ClusterIP" | "LoadBalancer" | "Ingress";
}

export interface GapEvent {
  after?: string;
  lines?: number;
  message: string;
  reason: string;
}

export interface GoneEvent {
  id: string;
}

export interface ImageDefaults {
  args?: string[];
  command?: string[];
  env?: Record<string, string>;
  pathMode?: "Strip" | "Preserve";
  ports?: Expose[];
  resources?: Resources;
  storage?: Storage;
}

export interface ImagePreset {
  args?: string[];
  command?: string[];
  description?: string;
  env?: Record<string, string>;
  icon?: string;
  image: string;
  label: string;
  name?: string;
  pathMode?: "Strip" | "Preserve";
  ports?: Expose[];
  resources?: Resources;
  storage?: Storage;
}

export interface IncompleteError {
  code: "incomplete";
  deleted: string[];
  details?: Detail[];
  message: string;
  request_id?: string;
}

export interface InstallState {
  operator?: OperatorState;
  tailnet?: string;
  versions: Record<string, string>;
}

export interface JobPatch {
  args?: string[] | null;
  command?: string[] | null;
  env?: Record<string, string | EnvValue | null> | null;
  expose?: Expose[] | null;
  exposure?: Exposure | null;
  image?: string;
  labels?: Record<string, string | null> | null;
  notes?: string | null;
  resources?: ResourcesPatch | null;
  storage?: Storage | null;
}

export interface JobSpec {
  args?: string[] | null;
  command?: string[] | null;
  env?: Record<string, string | EnvValue> | null;
  expose?: Expose[] | null;
  exposure?: Exposure | null;
  image: string;
  labels?: Record<string, string> | null;
  name?: string | null;
  notes?: string | null;
  presetsRef?: string | null;
  resources?: Resources | null;
  storage?: Storage | null;
}

export interface Launched {
  id: string;
  status: "pending";
}

export interface LogLine {
  container?: string;
  lvl?: "debug" | "info" | "error";
  msg?: string;
  pod?: string;
  t?: string;
}

export interface Login {
  password: string;
}

export interface Me {
  actions: Action[];
  displayName: string;
  kind: "user" | "node" | "token" | "anonymous";
  login: string;
  roles: string[];
}

export interface OperatorState {
  heardSeconds: number;
  leads: boolean;
  name?: string;
  portsLeft?: number;
  queueSeconds?: number;
  watchSeconds?: number;
}

export interface PingEvent {
}

export interface ProxyCaller {
  kind: "user" | "node" | "token" | "anonymous";
  login: string;
  source: string;
}

export interface ProxyCap {
  limit: number;
  open: number;
}

export interface ProxyCaps {
  requests: ProxyCap;
  upgrades: ProxyCap;
  workspace?: ProxyCap;
}

export interface ProxyEntry {
  mode: "host" | "port" | "path";
  name: string;
}

export interface ProxyExplanation {
  access?: string;
  caps?: ProxyCaps;
  code?: string;
  entry: ProxyEntry;
  form?: "api" | "own-origin" | "own-route" | "server" | "host-port";
  gate?: string;
  identity: ProxyCaller;
  location?: string;
  message?: string;
  origin?: string;
  path: string;
  pathMode?: "Strip" | "Preserve";
  request?: ProxyRequest;
  rid: string;
  rule?: string;
  server: string;
  status?: number;
  target?: string;
  to: string;
  upstreamPath?: string;
  verdict: "forward" | "redirect" | "answer" | "own-route" | "refused";
  version: string;
}

export interface ProxyRequest {
  method: string;
  url: string;
}

export interface Readiness {
  checks: Record<string, CheckResult>;
  status: string;
}

export interface Resources {
  cpu?: string;
  memory?: string;
}

export interface ResourcesPatch {
  cpu?: string | null;
  memory?: string | null;
}

export interface Right {
  action: Action;
  allowed: boolean;
  reason?: string;
  rule: string;
}

export interface Server {
  args?: string[];
  command?: string[];
  conditions?: ServerCondition[];
  created_at?: string;
  env?: Record<string, string>;
  events?: WorkspaceEvent[];
  exposure?: Exposure;
  files?: "kept" | "lost on stop";
  id: string;
  image: string;
  labels?: Record<string, string>;
  message?: string;
  name: string;
  node?: string;
  notes?: string;
  owner?: string;
  ports?: ServerPort[];
  presetsRef?: string;
  proxy_url: string;
  reason?: string;
  resources?: ServerResources;
  restarts?: number;
  rights?: Right[];
  status: "pending" | "running" | "failed" | "stopped";
  storage?: Storage;
  updated_at?: string;
  url?: string;
}

export interface ServerCondition {
  lastTransitionTime?: string;
  message?: string;
  reason?: string;
  status: string;
  type: string;
}

export interface ServerPort {
  name?: string;
  pathMode?: "Strip" | "Preserve";
  port: number;
  url?: string;
}

export interface ServerResources {
  cpu?: string;
  memory?: string;
}

export interface SourceEvent {
  container: string;
  pod: string;
  restart: number;
}

export interface StaleEvent {
  seconds: number;
}

export interface StartTime {
  seconds: number;
  t: string;
}

export interface Stats {
  starts: StartTime[];
  states: Record<string, number>;
}

export interface StatusEvent {
  degraded?: boolean;
  message: string;
  reason: string;
}

export interface Storage {
  size: string;
}

export interface StreamHint {
  message: string;
  stream: boolean;
  target: string;
}

export interface SyncedEvent {
  full: boolean;
  ids?: string[];
}

export interface UiConfig {
  features: Record<string, boolean>;
  name: string;
  originMode: "host" | "port" | "path";
  version: string;
}

export interface Usage {
  measured: boolean;
  servers: Record<string, Used>;
}

export interface Used {
  cpu: number;
  memory: number;
}

export interface WorkspaceEvent {
  condition?: string;
  count?: number;
  message: string;
  object: string;
  reason: string;
  status?: string;
  t: string;
  type: string;
}
