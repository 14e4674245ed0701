import type { JobSpec, Preset } from "../api/types";
import { quoted, shellLine } from "../lib/command-line";
import { yaml } from "../lib/manifest";
import { madeName } from "../lib/names";
import { MASK } from "../lib/settings";
import { presetRef } from "./form";

// A launch in other people's hands: the command line, and what kubectl takes.

/** The line of the command line (docs/cli.md). The values of secrets are not in it: the shell's own variables are. */
export function launchLine(job: JobSpec): string {
  const env = Object.entries(job.env ?? {}).map(([name, value]) =>
    typeof value === "string" && value !== MASK ? `-e ${quoted(`${name}=${value}`)}` : `-e ${name}="$${name}"`,
  );
  const parts = [
    "guildnet launch",
    quoted(job.presetsRef ?? imageWord(job.image)),
    job.name && `--name ${quoted(job.name)}`,
    job.resources?.cpu && `--cpu ${quoted(job.resources.cpu)}`,
    job.resources?.memory && `--memory ${quoted(job.resources.memory)}`,
    job.storage === null ? "--storage none" : job.storage && `--storage ${quoted(job.storage.size)}`,
    ...(job.expose ?? []).map(({ port, name }) => `-p ${quoted(name ? `${port}:${name}` : String(port))}`),
    ...env,
    ...Object.entries(job.labels ?? {}).map(([key, value]) => `-l ${quoted(`${key}=${value}`)}`),
    job.command && `--command ${quoted(shellLine(job.command))}`,
    ...(job.args ?? []).map((arg) => `--arg=${quoted(arg)}`),
    job.exposure && `--exposure ${quoted([job.exposure.type, job.exposure.domain].filter(Boolean).join(":"))}`,
    job.notes && `--notes ${quoted(job.notes)}`,
  ];
  return parts.filter(Boolean).join(" ");
}

/** A word without `/` and `:` would be taken for a preset. */
function imageWord(image: string): string {
  return /[/:]/.test(image) || !image ? image : `${image}:latest`;
}

/** The Workspace that kubectl would make. It knows no presets, so what the preset says stands here. */
export function launchManifest(job: JobSpec, presets: readonly Preset[]): string {
  const preset = presets.find((one) => presetRef(one) === job.presetsRef);
  const name = madeName(job.name ?? "", job.image, "").replace(/-$/, "");
  const given = Object.entries({ ...preset?.env, ...job.env });
  const env = given.map(([key, value]) =>
    typeof value === "string" && value !== MASK
      ? { name: key, value }
      : { name: key, valueFrom: { secretKeyRef: { name: `${name}-env`, key } } },
  );
  const ports = (job.expose ?? preset?.ports ?? []).map(({ port, name: portName, pathMode }) => ({
    name: portName || `p-${port}`,
    containerPort: port,
    pathMode: pathMode ?? preset?.pathMode ?? undefined,
  }));
  const asked = { cpu: job.resources?.cpu ?? preset?.resources?.cpu, memory: job.resources?.memory ?? preset?.resources?.memory };
  const storage = job.storage === null ? undefined : (job.storage ?? preset?.storage);
  const labels = job.labels ?? undefined;
  const text = yaml({
    apiVersion: "guildnet.io/v1alpha1",
    kind: "Workspace",
    metadata: { name, labels },
    spec: {
      image: job.image,
      command: job.command ?? preset?.command ?? undefined,
      args: job.args ?? preset?.args ?? undefined,
      env: env.length > 0 ? env : undefined,
      ports: ports.length > 0 ? ports : undefined,
      resources:
        asked.cpu || asked.memory
          ? { requests: asked, limits: asked.memory ? { memory: asked.memory } : undefined }
          : undefined,
      exposure: job.exposure ? { type: job.exposure.type, domain: job.exposure.domain ?? undefined } : undefined,
      storage: storage ? { size: storage.size } : undefined,
      presetsRef: job.presetsRef ?? undefined,
      notes: job.notes ?? undefined,
    },
  });
  return `${text.trimStart()}\n`;
}
