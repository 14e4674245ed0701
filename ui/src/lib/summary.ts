import type { Server, Used } from "../api/types";

const registry = (image: string): string => {
  const [first = "", ...rest] = image.split("/");
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : "docker.io";
};

/** Reasons of the operator in a person's words, for one line of a list. */
const SHORT: Record<string, string | ((server: Server) => string)> = {
  ImagePullFailed: ({ image }) => `Image not found in ${registry(image)}`,
  Pulling: "Fetching its image",
  Creating: "Waiting for its pod",
  Starting: "Starting",
  NotAnswering: "Runs, but does not answer",
  Unschedulable: ({ message = "" }) => `No node has room: ${lacking(message)}`,
  StoragePending: "Waiting for its volume",
  Pending: "Waiting for the cluster",
  OutOfMemory: ({ resources }) => `Ran out of memory${resources?.memory ? ` (${readable(resources.memory)})` : ""}`,
  CrashLoop: "Its program keeps ending",
  ContainerConfiguration: "Something its settings refer to is missing",
  QuotaExceeded: "The quota is used up",
  LimitReached: "Waits: its owner runs as many as allowed",
  VolumeNotMounted: "Its volume cannot be mounted",
  SandboxFailed: "The node cannot set it up",
  NodeLost: "Its node does not report any more",
  PodFailed: "Its pod failed; another is made",
  StartDeadlineExceeded: "Did not become ready in time",
  NameTaken: "Its name is taken by something else",
  ExposureRefused: "Its exposure is not allowed here",
  PredecessorLeaving: "Waits for the last one of its name to go",
  Terminating: "Being deleted",
  Stopping: "Stopping",
  PodSecurityRefused: "Refused by the cluster's pod security",
  Forbidden: "GuildNet lacks a right in the cluster",
  Refused: "The cluster refuses a part of it",
  SecretRefused: "Its settings name a Secret it may not use",
  PortsExhausted: "No port is left for it",
};

function lacking(message: string): string {
  const found = [...message.matchAll(/Insufficient ([\w/-]+(?:\.[\w/-]+)*)/gi)].map(([, what]) => (what === "cpu" ? "CPU" : what));
  return found.length > 0 ? `too little ${[...new Set(found)].join(" and ")}` : "see why";
}

/** Why a workspace is not simply running or stopped, in one line; empty where there is nothing to say. */
export function summary(server: Server): string {
  if (server.status === "running" && !server.reason) return "";
  if (server.status === "stopped" && server.reason !== "Terminating") {
    return server.files === "kept" ? "Files kept" : server.files ? "Files not kept" : "";
  }
  const short = SHORT[server.reason ?? ""];
  if (typeof short === "function") return short(server);
  if (short) return server.status === "pending" && short === "Starting" ? "" : short;
  const first = /^.*?[.;](?=\s|$)/.exec(server.message ?? "")?.[0].slice(0, -1);
  return first ?? server.message ?? server.reason ?? "";
}

/** `2Gi` → `2 GiB`, `500m` → `0.5`: quantities of Kubernetes as people write them. */
export function readable(quantity: string): string {
  const [, number = "", unit = ""] = /^([0-9.]+)([a-zA-Z]*)$/.exec(quantity) ?? [];
  if (!number) return quantity;
  if (unit === "m") return String(Number(number) / 1000);
  if (unit === "") return number;
  return `${number} ${unit === "k" ? "kB" : `${unit}B`}`;
}

/** `812 MiB`, `1.4 GiB`: bytes as people write them, with two or three digits. */
export function bytes(count: number): string {
  const gib = count / 2 ** 30;
  return gib >= 1 ? `${gib >= 10 ? Math.round(gib) : Math.round(gib * 10) / 10} GiB` : `${Math.round(count / 2 ** 20)} MiB`;
}

/** `0.12 CPU · 812 MiB`. */
export function usedWords({ cpu, memory }: Used): string {
  return `${cpu >= 10 ? Math.round(cpu) : Math.round(cpu * 100) / 100} CPU · ${bytes(memory)}`;
}

/** `0.5 CPU · 2 GiB`; empty where nothing is asked for. */
export function size(server: Pick<Server, "resources">): string {
  const { cpu, memory } = server.resources ?? {};
  return [cpu && `${readable(cpu)} CPU`, memory && readable(memory)].filter(Boolean).join(" · ");
}
