import type { InstallState } from "../api/types";

/** After so long a change that waits is late: a reconcile takes a fraction of a second. */
const LATE_SECONDS = 10;
/** The API server sends a word every minute. */
const SILENT_SECONDS = 150;

function seconds(value: number): string {
  return `${value < 10 ? value : Math.round(value)} s`;
}

/** How the operator is, in a sentence; undefined where nobody has told. */
export function operatorWords({ operator }: Pick<InstallState, "operator">): { ok: boolean; words: string } | undefined {
  if (!operator) return undefined;
  if (!operator.leads) return { ok: false, words: `No operator has been heard for ${seconds(operator.heardSeconds)}: changes wait.` };
  const { queueSeconds: queue = 0, watchSeconds: watch = 0 } = operator;
  if (watch >= SILENT_SECONDS) return { ok: false, words: `The cluster has not spoken to it for ${seconds(watch)}.` };
  if (queue >= LATE_SECONDS) return { ok: false, words: `Its oldest change waits for ${seconds(queue)}.` };
  return { ok: true, words: queue > 0 ? `Its oldest change waits for ${seconds(queue)}.` : "No change waits for it." };
}

const ORDER = ["api", "operator", "proxy", "kubernetes"] as const;

/** `api 0.1.0 · operator 0.1.0 · …`, of those that are known. */
export function versionWords(versions: Readonly<Record<string, string | undefined>>): string {
  return ORDER.flatMap((part) => (versions[part] ? [`${part} ${versions[part]}`] : [])).join(" · ");
}
