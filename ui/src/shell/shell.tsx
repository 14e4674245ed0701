import { createContext, useContext } from "solid-js";

/** What every page may ask of the frame around it. */
export interface ShellControls {
  showPalette: () => void;
  showKeys: () => void;
}

export const ShellContext = createContext<ShellControls>();

export function useShell(): ShellControls {
  const shell = useContext(ShellContext);
  if (!shell) throw new Error("useShell outside of Shell");
  return shell;
}

export const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
export const paletteKeys = isMac ? "⌘K" : "Ctrl K";
