/** What is asked of a log, as it stands in the page's address. */
export interface LogRequest {
  id: string;
  level: string;
  /** A text, or an expression between slashes. */
  q: string;
  container: string;
  previous: boolean;
  events: boolean;
}

/** Lines at the beginning; older ones are asked for. */
export const TAIL = 1000;
/** As many as the API gives in one list. */
export const OLDER = 2000;

/** The query of a stream or a list of lines; what is not narrowed is left out. */
export function logQuery(request: LogRequest, more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams();
  if (request.level) query.set("level", request.level);
  if (request.q) query.set("q", request.q);
  if (request.container) query.set("container", request.container);
  if (request.previous) query.set("previous", "1");
  for (const [name, value] of Object.entries(more)) query.set(name, value);
  return query.toString();
}

export function streamPath(request: LogRequest): string {
  const events = request.events ? { events: "1" } : {};
  return `/sse/logs?${logQuery(request, { target: request.id, tail: String(TAIL), ...events })}`;
}

/** Where everything that matches can be saved as a file. */
export function downloadPath(request: LogRequest): string {
  return `/api/servers/${encodeURIComponent(request.id)}/logs?${logQuery(request, { format: "text" })}`;
}

/** Where the plain text of a search is found in a line; an expression is the server's, whose syntax is another. */
export function needle(q: string): string {
  return /^\/.+\/i?$/.test(q) ? "" : q;
}

/** A time one second after, so that a list up to it has the line of this time. */
export function secondAfter(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : new Date(at + 1000).toISOString();
}
