import type { Server } from "../api/types";
import { MASK } from "./settings";

type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain | undefined };

// What YAML would read as something else than text (YAML 1.1 and 1.2), or as its own signs.
const NOT_PLAIN = /^$|^[\s\-?:,[\]{}#&*!|>'"%@`]|^(?:true|false|yes|no|on|off|null|~|y|n)$|^[-+.\d]|[:#]\s|\s#|:$|\s$|[\u0000-\u001f]/i; // oxlint-disable-line no-control-regex
const QUANTITY = /^\d+(?:\.\d+)?(?:m|[KMGT]i?)$/;

/** A value as YAML, as a person would write it. */
export function yaml(value: Plain, indent = ""): string {
  if (typeof value === "string") return scalar(value, indent);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) {
    return (value as readonly Plain[]).map((item) => `\n${indent}- ${yaml(item, `${indent}  `).replace(/^\n\s*/, "")}`).join("") || " []";
  }
  const lines = Object.entries(value).flatMap(([key, item]) => {
    if (item === undefined) return [];
    const text = yaml(item as Plain, `${indent}  `);
    return [`\n${indent}${scalar(key, indent)}:${text.startsWith("\n") || text.startsWith(" ") ? "" : " "}${text}`];
  });
  return lines.join("") || " {}";
}

function scalar(text: string, indent: string): string {
  if (text.includes("\n") && !/[\u0000-\u0008\u000b-\u001f]|^\s|\n$/.test(text)) { // oxlint-disable-line no-control-regex
    return `|-${text.split("\n").map((line) => `\n${line && indent + line}`).join("")}`;
  }
  return NOT_PLAIN.test(text) && !QUANTITY.test(text) ? JSON.stringify(text) : text;
}

/** The Workspace as `kubectl apply` takes it. Secret values are not known here: their lines say so. */
export function manifest(server: Server): string {
  const both = { requests: server.resources, limits: server.resources?.memory ? { memory: server.resources.memory } : undefined };
  const labels = server.labels && Object.keys(server.labels).length > 0 ? server.labels : undefined;
  const env = Object.entries(server.env ?? {}).map(([name, value]) => (value === MASK ? { name, valueFrom: "(a secret, not shown)" } : { name, value }));
  const text = yaml({
    apiVersion: "guildnet.io/v1alpha1",
    kind: "Workspace",
    metadata: { name: server.name, labels: labels as Plain | undefined },
    spec: {
      image: server.image,
      command: server.command,
      args: server.args,
      env: env.length > 0 ? env : undefined,
      ports: server.ports?.map(({ port, name, pathMode }) => ({ name, containerPort: port, pathMode: pathMode === "Strip" ? undefined : pathMode })),
      resources: server.resources ? (both as Plain) : undefined,
      exposure: server.exposure && { type: server.exposure.type, domain: server.exposure.domain ?? undefined },
      storage: server.storage && { size: server.storage.size },
      running: server.status === "stopped" ? false : undefined,
      presetsRef: server.presetsRef,
      notes: server.notes,
    },
  });
  return `${text.trimStart().replaceAll("valueFrom: (a secret, not shown)", "# its value is secret and not shown")}\n`;
}
