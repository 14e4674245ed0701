import type { IconName } from "../components/icons";

const ICONS: Record<string, IconName> = { jupyterlab: "notebook", "code-server": "code", ttyd: "terminal", terminal: "terminal" };

/** The picture of a preset by the name that the install gives it. */
export function presetIcon(name: string | undefined): IconName {
  return ICONS[name ?? ""] ?? "box";
}
