import { createSignal } from "solid-js";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "guildnet-theme";

function stored(): Theme {
  const found = localStorage.getItem(KEY) as Theme | null;
  return found && THEMES.includes(found) ? found : "system";
}

const [theme, setSignal] = createSignal<Theme>("system");
export { theme };

function show(chosen: Theme): void {
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

/** Kept in this browser. */
export function setTheme(chosen: Theme): void {
  setSignal(chosen);
  show(chosen);
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // A browser that keeps nothing still shows it.
  }
}

/** Shows what was chosen before; called before anything is drawn. */
export function restoreTheme(): void {
  try {
    setSignal(stored());
  } catch {
    return;
  }
  show(theme());
  // Chosen in another window.
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    setSignal(stored());
    show(theme());
  });
}
