import type { Server } from "../api/types";
import type { IconName } from "../components/icons";

/** Something that can be found and done. */
export interface Entry {
  icon: IconName;
  label: string;
  /** The workspace that it is about. */
  server?: Server;
  act: () => void;
}

/** How well a label fits what is typed: every word of it has to be in the label; the earlier, the better. -1: not at all. */
export function fit(label: string, words: readonly string[]): number {
  const text = label.toLowerCase();
  let sum = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return -1;
    sum += (at === 0 ? 0 : /[\s\-_./]/.test(text[at - 1] ?? "") ? 1 : 4) + at / 100;
  }
  return sum + text.length / 1000;
}

/** The entries that fit, best first; with nothing typed they are in their own order. */
export function found(entries: readonly Entry[], text: string, most: number): Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    // The pages and settings, which are last, are not pushed out by a long list of workspaces.
    const [own, general] = [entries.filter(({ server }) => server), entries.filter(({ server }) => !server)];
    const primary = own.filter(({ label, server }) => label === server?.name);
    return [...primary.slice(0, Math.max(3, most - general.length)), ...general].slice(0, most);
  }
  return entries
    .map((entry) => ({ entry, rank: fit(entry.label, words) }))
    .filter(({ rank }) => rank >= 0)
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, most)
    .map(({ entry }) => entry);
}
