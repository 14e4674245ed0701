import type { Deleted, FieldError, ImageDefaults, JobSpec, Launched, Me, Preset, Refusal, Server, UiConfig } from "./types";

/** What the API answered instead of success; `message` is written to be shown to a person. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly details: readonly FieldError[];
  readonly requestId: string | undefined;

  constructor(status: number, code: string, message: string, details: readonly FieldError[] = [], requestId?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = requestId;
  }
}

const DEADLINE_MS = 20_000;

async function failure(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as Partial<Refusal>;
    return new ApiError(
      response.status,
      body.code ?? "error",
      body.message ?? `The server answered ${response.status}.`,
      body.details,
      body.request_id,
    );
  } catch {
    return new ApiError(response.status, "error", `The server answered ${response.status} ${response.statusText}.`);
  }
}

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    throw new ApiError(0, "unreachable", "GuildNet cannot be reached. Check your network, then try again.", [], String(cause));
  }
  if (!response.ok) throw await failure(response);
  return (await response.json()) as T;
}

const server = (id: string) => `/api/servers/${encodeURIComponent(id)}`;

export const api = {
  uiConfig: () => request<UiConfig>("GET", "/api/ui-config"),
  me: () => request<Me>("GET", "/api/me"),
  images: () => request<Preset[]>("GET", "/api/images"),
  imageDefaults: (image: string) => request<ImageDefaults>("GET", `/api/image-defaults?image=${encodeURIComponent(image)}`),
  servers: () => request<Server[]>("GET", "/api/servers"),
  server: (id: string) => request<Server>("GET", server(id)),
  launch: (job: JobSpec) => request<Launched>("POST", "/api/jobs", job),
  stop: (id: string) => request<Server>("POST", `${server(id)}/stop`),
  start: (id: string) => request<Server>("POST", `${server(id)}/start`),
  remove: (id: string) => request<Deleted>("DELETE", server(id)),
};
