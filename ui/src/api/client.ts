import { logQuery, type LogRequest } from "../lib/log-request";
import { heardOfSession } from "./auth";
import type {
  AllDeleted,
  Deleted,
  FieldError,
  ImageDefaults,
  InstallState,
  JobPatch,
  JobSpec,
  Launched,
  LogLine,
  Me,
  Preset,
  Readiness,
  Refusal,
  Server,
  Stats,
  TimelineEvent,
  UiConfig,
} from "./types";
import type { Usage } from "./schema";

/** What the API answered instead of success; `message` is written to be shown to a person. Status 0: no answer at all. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly details: readonly FieldError[];
  readonly requestId: string | undefined;
  /** The whole answer, where it was JSON. */
  body: unknown;

  constructor(status: number, code: string, message: string, details: readonly FieldError[] = [], requestId?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = requestId;
  }
}

const DEADLINE_MS = 20_000;
/** Answered to everybody: no sign of a session. */
const ANYBODYS: ReadonlySet<string> = new Set(["/api/ui-config", "/readyz"]);

/** What it means to a person that the front door does not reach the API: its own words are for who runs the install. */
const AWAY: Readonly<Record<string, string>> = {
  upstream_refused: "GuildNet's API is away for the moment, so nothing was done. Try again soon.",
  upstream_reset: "GuildNet's API went away before it answered. It may still have done what was asked.",
  upstream_timeout: "GuildNet's API does not answer. It may still do what was asked.",
};

async function failure(response: Response): Promise<ApiError> {
  if (response.status === 401) return new ApiError(401, "unauthenticated", "You are signed out. Sign in, then try again.");
  const text = await response.text();
  try {
    const body = JSON.parse(text) as Partial<Refusal>;
    const error = new ApiError(
      response.status,
      body.code ?? "error",
      AWAY[body.code ?? ""] ?? body.message ?? `The server answered ${response.status}.`,
      body.details,
      body.request_id,
    );
    error.body = body;
    return error;
  } catch {
    return new ApiError(response.status, "error", `The server answered ${response.status} ${response.statusText}.`);
  }
}

function unanswered(cause: unknown): ApiError {
  const late = cause instanceof DOMException && cause.name === "TimeoutError";
  return late
    ? new ApiError(0, "timeout", `GuildNet did not answer within ${DEADLINE_MS / 1000} seconds. It may still do what was asked.`)
    : new ApiError(0, "unreachable", "GuildNet cannot be reached. Check your network, then try again.", [], String(cause));
}

/** A value of the API with its version, for a change that must not overwrite another's. */
export interface Tagged<T> {
  value: T;
  etag: string | undefined;
}

interface Sent {
  body?: unknown;
  headers?: Record<string, string>;
}

async function exchange<T>(method: string, path: string, { body, headers = {} }: Sent = {}): Promise<Tagged<T>> {
  try {
    const response = await fetch(path, {
      method,
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.status === 401 || !ANYBODYS.has(path)) heardOfSession(response.status);
    if (!response.ok) throw await failure(response);
    return { value: (await response.json()) as T, etag: response.headers.get("ETag") ?? undefined };
  } catch (cause) {
    throw cause instanceof ApiError ? cause : unanswered(cause);
  }
}

async function request<T>(method: string, path: string, sent?: Sent): Promise<T> {
  return (await exchange<T>(method, path, sent)).value;
}

/** An install that is not ready answers 503, and says by its checks why. */
async function readiness(): Promise<Readiness> {
  try {
    return await request<Readiness>("GET", "/readyz");
  } catch (cause) {
    const told = (cause as ApiError).body as Partial<Readiness> | undefined;
    if (told?.checks) return { status: "", ...told, checks: told.checks };
    throw cause;
  }
}

const server = (id: string) => `/api/servers/${encodeURIComponent(id)}`;

/** Every call raises ApiError, and nothing else. */
export const api = {
  uiConfig: () => request<UiConfig>("GET", "/api/ui-config"),
  me: () => request<Me>("GET", "/api/me"),
  readiness,
  install: () => request<InstallState>("GET", "/api/install"),
  /** The proxy says its version where it explains itself. */
  proxyVersion: async () => (await request<{ version?: string }>("GET", "/api/proxy-debug?url=%2F")).version ?? "",
  usage: () => request<Usage>("GET", "/api/usage"),
  stats: () => request<Stats>("GET", "/api/stats"),
  images: () => request<Preset[]>("GET", "/api/images"),
  imageDefaults: (image: string) => request<ImageDefaults>("GET", `/api/image-defaults?image=${encodeURIComponent(image)}`),
  servers: () => request<Server[]>("GET", "/api/servers"),
  server: (id: string) => request<Server>("GET", server(id)),
  taggedServer: (id: string) => exchange<Server>("GET", server(id)),
  events: (id: string) => request<TimelineEvent[]>("GET", `${server(id)}/events`),
  logs: (log: LogRequest, more: Readonly<Record<string, string>>) => request<LogLine[]>("GET", `${server(log.id)}/logs?${logQuery(log, more)}`),
  /** The password of the workspace's own program; 404 `no_login` where there is none that is known. */
  login: (id: string) => request<{ password: string }>("GET", `${server(id)}/login`),
  /** Says what a stream of a log would be refused for, which an EventSource cannot see. */
  logHint: (path: string) => request<unknown>("GET", path),
  /** `key` makes it safe to send again: the same key is the same launch. */
  launch: (job: JobSpec, key: string) => request<Launched>("POST", "/api/jobs", { body: job, headers: { "Idempotency-Key": key } }),
  stop: (id: string) => request<Server>("POST", `${server(id)}/stop`),
  start: (id: string) => request<Server>("POST", `${server(id)}/start`),
  restart: (id: string) => request<Server>("POST", `${server(id)}/restart`),
  update: (id: string, patch: JobPatch, etag?: string) =>
    exchange<Server>("PATCH", server(id), { body: patch, headers: etag ? { "If-Match": etag } : {} }),
  remove: (id: string) => request<Deleted>("DELETE", server(id)),
  deleteAll: (dryRun: boolean) => request<AllDeleted>("POST", `/api/stop-all${dryRun ? "?dryRun=true" : ""}`),
};
