import { createSignal } from "solid-js";

export type TimeStyle = "clock" | "age" | "none";

/** How a log is shown: kept in the browser, for all of them. */
export interface LogPreferences {
  wrap: boolean;
  fold: boolean;
  time: TimeStyle;
}

const KEY = "guildnet-log";
const FIRST: LogPreferences = { wrap: true, fold: true, time: "clock" };

function stored(): LogPreferences {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<LogPreferences>;
    return {
      wrap: found.wrap ?? FIRST.wrap,
      fold: found.fold ?? FIRST.fold,
      time: found.time === "age" || found.time === "none" ? found.time : FIRST.time,
    };
  } catch {
    return FIRST;
  }
}

const [preferences, set] = createSignal(stored());
export { preferences };

/** Kept in this browser. */
export function setPreferences(change: Partial<LogPreferences>): void {
  set((before) => ({ ...before, ...change }));
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences()));
  } catch {
    // A browser that keeps nothing still shows it.
  }
}
