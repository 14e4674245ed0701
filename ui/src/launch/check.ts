import { RULES, type Rule } from "../api/rules";
import type { FieldError, JobSpec } from "../api/types";

// What the API says of a launch, before it is asked; its limits come from its document, and tests/unit/api/test_ui_form.py
// gives the cases in which both have to say the same.

const NUL = "a character that cannot be stored (NUL)";
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PORT_NAME = /^(?=.{1,15}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_PART = /^(?=.{1,63}$)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Every problem of a launch, each with its place in it. */
export function check(job: JobSpec): FieldError[] {
  const found: FieldError[] = [];
  walk("", "", job, found);
  const clean = (field: string) => !found.some((error) => error.field === field || error.field.startsWith(`${field}.`) || error.field.startsWith(`${field}[`));
  const whole = [
    ["env", wrongEnv(job.env ?? {})],
    ["labels", wrongLabels(job.labels ?? {})],
    ["expose", wrongPorts(job.expose ?? [])],
  ] as const;
  for (const [field, reason] of whole) if (reason && clean(field)) found.push({ field, reason });
  return found;
}

function walk(place: string, path: string, value: unknown, found: FieldError[]): void {
  if (value === null || value === undefined) return;
  // Plain text is a value that nothing more is said of.
  if (place === "env{}" && typeof value === "string") return walk(`${place}.value`, `${path}.value`, value, found);
  const rule = RULES[place];
  const reason = rule && broken(rule, value);
  if (reason) {
    found.push({ field: path, reason });
    return;
  }
  if (Array.isArray(value)) value.forEach((item, index) => walk(`${place}[]`, `${path}[${index}]`, item, found));
  else if (typeof value === "object") {
    const map = RULES[`${place}{}`] !== undefined;
    for (const [key, item] of Object.entries(value)) {
      walk(map ? `${place}{}` : join(place, key), join(path, key), item, found);
    }
  }
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key;
}

function broken(rule: Rule, value: unknown): string | undefined {
  if (typeof value === "string") return brokenText(rule, value);
  if (typeof value === "number") {
    if (rule.minimum !== undefined && value < rule.minimum) return `at least ${rule.minimum}`;
    if (rule.maximum !== undefined && value > rule.maximum) return `at most ${rule.maximum}`;
    return undefined;
  }
  const entries = Array.isArray(value) ? value.length : Object.keys(value as object).length;
  const most = rule.maxItems ?? rule.maxProperties;
  return most !== undefined && entries > most ? `at most ${most} entries` : undefined;
}

function brokenText(rule: Rule, value: string): string | undefined {
  if (rule.minLength !== undefined && value.length < rule.minLength) return "must not be empty";
  // As the API counts: a character outside the basic plane is one.
  if (rule.maxLength !== undefined && [...value].length > rule.maxLength) return `at most ${rule.maxLength} characters`;
  if (rule.pattern !== undefined && !new RegExp(rule.pattern, "u").test(value)) return rule.reason ?? NUL;
  return undefined;
}

function wrongEnv(env: Record<string, unknown>): string | undefined {
  const wrong = Object.keys(env).map((name) => name.trim()).filter((name) => name && !ENV_NAME.test(name));
  return wrong.length > 0 ? `${wrong.map(quoted).join(", ")}: a name is letters, digits and _, not starting with a digit` : undefined;
}

function wrongLabels(labels: Record<string, string>): string | undefined {
  return Object.entries(labels).flatMap(([key, value]) => wrongLabel(key, value) ?? []).join("; ") || undefined;
}

function wrongLabel(key: string, value: string): string | undefined {
  const slash = key.lastIndexOf("/");
  const [prefix, name] = [slash < 0 ? "" : key.slice(0, slash), key.slice(slash + 1)];
  const first = key.split("/")[0] ?? "";
  if (key.includes("/") && (first === "guildnet.io" || first.endsWith(".guildnet.io"))) {
    return `${quoted(key)}: labels under guildnet.io/ are GuildNet's own`;
  }
  if (!LABEL_PART.test(name) || (slash >= 0 && !DNS_NAME.test(prefix))) return `${quoted(key)} is not a label key`;
  if (value && !LABEL_PART.test(value)) {
    return `the value of ${quoted(key)} is not a label value (at most 63 letters, digits, -, _ and .)`;
  }
  return undefined;
}

function wrongPorts(ports: NonNullable<JobSpec["expose"]>): string | undefined {
  const names = ports.map(({ port, name }) => name || `p-${port}`);
  const odd = ports.filter(({ name }) => name && !PORT_NAME.test(name));
  const problems = odd.map(({ name }) => `name ${quoted(name ?? "")} is not a DNS label of at most 15 characters`);
  for (const [what, values] of [["port", ports.map(({ port }) => String(port))], ["name", names]] as const) {
    const twice = [...new Set(values.filter((value, index) => values.indexOf(value) !== index))].toSorted();
    if (twice.length > 0) problems.push(`${what} ${twice.join(", ")} given twice`);
  }
  return problems.join("; ") || undefined;
}

/** As the API quotes: Python's way. */
function quoted(text: string): string {
  return text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", String.raw`\'`)}'`;
}
