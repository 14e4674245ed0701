import { vi } from "vitest";

const PATIENCE_MS = 15_000;

/** Waits until a check does not throw any more: pages come by `import`, which takes its time on a machine with much to do. */
export function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, PATIENCE_MS);
}
