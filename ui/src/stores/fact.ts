import { createSignal, onCleanup } from "solid-js";
import { ApiError } from "../api/client";

/** Something asked of the API once. It is known, not known yet, or could not be found out; a value stays when later asked in vain. */
export interface Fact<T> {
  value: () => T | undefined;
  error: () => ApiError | undefined;
  state: () => "unknown" | "failed" | "known";
  /** Ask again now. */
  retry: () => void;
}

const RETRY_MS = [1000, 3000, 8000, 20_000] as const;

/** Asked at once, and again by itself for as long as nobody answers. Call it below a reactive root. */
export function createFact<T>(ask: () => Promise<T>): Fact<T> {
  const [value, setValue] = createSignal<T>();
  const [error, setError] = createSignal<ApiError>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  const find = async () => {
    clearTimeout(timer);
    try {
      const found = await ask();
      failures = 0;
      setValue(() => found);
      setError(undefined);
    } catch (cause) {
      const problem = cause instanceof ApiError ? cause : new ApiError(0, "error", String(cause));
      setError(problem);
      const passing = problem.status === 0 || problem.status === 401 || problem.status === 429 || problem.status >= 500;
      if (passing) timer = setTimeout(find, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    }
  };
  onCleanup(() => clearTimeout(timer));
  void find();
  return {
    value,
    error,
    state: () => (value() !== undefined ? "known" : error() ? "failed" : "unknown"),
    retry: () => void find(),
  };
}
