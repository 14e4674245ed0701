import type { JobSpec, Preset } from "../api/types";

/** The launch form as typed; all text. */
export interface LaunchFields {
  /** Index into the presets, or "custom". */
  choice: string;
  image: string;
  name: string;
  env: string;
  ports: string;
  cpu: string;
  memory: string;
  storage: string;
}

export const EMPTY: LaunchFields = {
  choice: "0",
  image: "",
  name: "",
  env: "",
  ports: "",
  cpu: "",
  memory: "",
  storage: "",
};

export type Problems = Partial<Record<keyof LaunchFields, string>>;

/** The form as the API takes it, or what is wrong with it, by field. What only the cluster can judge is left to it. */
export function jobSpec(fields: LaunchFields, presets: readonly Preset[]): { job?: JobSpec; problems: Problems } {
  const problems: Problems = {};
  const preset = fields.choice === "custom" ? undefined : presets[Number(fields.choice)];
  const image = preset?.image ?? fields.image.trim();
  if (!image) problems.image = "Which image? For example docker.io/library/nginx:1.29";

  const env: Record<string, string> = {};
  for (const line of fields.env.split("\n").map((text) => text.trim()).filter(Boolean)) {
    const at = line.indexOf("=");
    if (at < 1) problems.env = `“${line}” is not NAME=value`;
    else env[line.slice(0, at).trim()] = line.slice(at + 1);
  }

  const expose = [];
  for (const text of fields.ports.split(/[\s,]+/).filter(Boolean)) {
    const port = Number(text);
    if (Number.isInteger(port) && port >= 1 && port <= 65_535) expose.push({ port });
    else problems.ports = `“${text}” is not a port between 1 and 65535`;
  }

  if (Object.keys(problems).length > 0) return { problems };
  const resources = { ...given("cpu", fields.cpu), ...given("memory", fields.memory) };
  return {
    problems,
    job: {
      image,
      ...given("name", fields.name),
      ...(Object.keys(env).length > 0 ? { env } : {}),
      ...(expose.length > 0 ? { expose } : {}),
      ...(Object.keys(resources).length > 0 ? { resources } : {}),
      ...(fields.storage.trim() ? { storage: { size: fields.storage.trim() } } : {}),
      ...(preset?.name ? { presetsRef: preset.name } : {}),
    },
  };
}

function given<K extends string>(key: K, value: string): Partial<Record<K, string>> {
  const text = value.trim();
  return text ? ({ [key]: text } as Record<K, string>) : {};
}

// Where the API's field names differ from the form's.
const FORM_FIELD: Record<string, keyof LaunchFields> = {
  expose: "ports",
  "resources.cpu": "cpu",
  "resources.memory": "memory",
  "storage.size": "storage",
};

/** Errors of the API put to the form's fields; those without a field there come back as one text. */
export function fieldProblems(details: readonly { field: string; reason: string }[]): { problems: Problems; rest: string } {
  const problems: Problems = {};
  const rest: string[] = [];
  for (const { field, reason } of details) {
    const whole = field.replaceAll(/\[\d+\]/g, "");
    const name = FORM_FIELD[whole] ?? FORM_FIELD[whole.split(".")[0] ?? ""] ?? (whole.split(".")[0] as keyof LaunchFields);
    if (name in EMPTY) problems[name] = reason;
    else rest.push(`${field}: ${reason}`);
  }
  return { problems, rest: rest.join("; ") };
}
