import { vi } from "vitest";
import type { Me, Preset, Server } from "../api/types";

export const ADA: Me = {
  login: "ada@example.com",
  displayName: "Ada",
  kind: "user",
  roles: [],
  actions: ["launch", "delete", "stopAll", "stop", "start", "update", "readLogs", "proxy", "list"],
};
export const PRESET: Preset = { name: "jupyterlab", label: "JupyterLab", image: "guildnet/jupyterlab:1" };

export interface Sent {
  method: string;
  path: string;
  body: unknown;
}

/** Answers `fetch` from a table of `METHOD /path` → [status, JSON], or late by path; returns what was asked. */
export function answering(
  table: Record<string, [status: number, body: unknown]>,
  late: Record<string, Promise<Response>> = {},
): Sent[] {
  const sent: Sent[] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    const method = init.method ?? "GET";
    sent.push({ method, path, body: typeof init.body === "string" ? JSON.parse(init.body) : undefined });
    const answer = late[path];
    if (answer) return answer;
    const [status, body] = table[`${method} ${path}`] ?? [404, { code: "not_found", message: `no ${path}` }];
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  });
  return sent;
}

export function aServer(over: Partial<Server> = {}): Server {
  return {
    id: "lab-12345",
    name: "lab-12345",
    image: "guildnet/jupyterlab:1",
    status: "running",
    proxy_url: "/proxy/server/lab-12345/",
    ...over,
  };
}
