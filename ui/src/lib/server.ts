import type { Server, Status } from "../api/types";
import type { IconName } from "../components/icons";
import type { Verb } from "../stores/actions";

/** Where its page opens: its own origin where it has one, else below the front door. */
export function address(server: Server): string {
  return server.url ?? server.proxy_url;
}

export const STATUS_LABEL: Record<Status, string> = {
  running: "Running",
  pending: "Starting",
  failed: "Failed",
  stopped: "Stopped",
};

/** `localhost/guildnet/jupyterlab:dev-1a2b` → `guildnet/jupyterlab`, `dev-1a2b`: a registry and a digest only take room. */
export function imageParts(image: string): { name: string; tag: string } {
  const [reference = "", digest = ""] = image.split("@");
  const colon = reference.lastIndexOf(":");
  const tagged = colon > reference.lastIndexOf("/");
  const path = tagged ? reference.slice(0, colon) : reference;
  const segments = path.split("/");
  const first = segments[0] ?? "";
  const registry = segments.length > 1 && (first.includes(".") || first.includes(":") || first === "localhost");
  return {
    name: (registry ? segments.slice(1) : segments).join("/"),
    tag: tagged ? reference.slice(colon + 1) : digest.replace("sha256:", "").slice(0, 12),
  };
}

/** The address of a launch that begins with everything this one was launched with. */
export function launchAgain(server: Server): string {
  return `/new?like=${encodeURIComponent(server.id)}`;
}

/** What can be done to it in its state. */
export function verbs(server: Server): readonly Verb[] {
  return server.status === "stopped" ? ["start", "delete"] : ["restart", "stop", "delete"];
}

export const VERB_ICON: Record<Verb, IconName> = { start: "start", stop: "stop", restart: "restart", delete: "remove" };
export const VERB_LABEL: Record<Verb, string> = { start: "Start", stop: "Stop", restart: "Restart", delete: "Delete" };
