/** A word as a shell takes it (POSIX). */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** The words of a command as one line, which `splitWords` takes apart again. */
export function shellLine(words: readonly string[] = []): string {
  return words.map(quoted).join(" ");
}

export interface LogChoice {
  level?: string;
  q?: string;
  container?: string;
  previous?: boolean;
}

/** What `guildnet` is told to do the same; see docs/cli.md. */
export const commandLine = {
  open: (name: string, port?: number) => `guildnet open ${quoted(name)}${port ? ` --port ${port}` : ""}`,
  start: (name: string) => `guildnet start ${quoted(name)}`,
  stop: (name: string) => `guildnet stop ${quoted(name)}`,
  restart: (name: string) => `guildnet restart ${quoted(name)}`,
  delete: (name: string) => `guildnet delete ${quoted(name)}`,
  edit: (name: string) => `guildnet edit ${quoted(name)}`,
  why: (name: string) => `guildnet why ${quoted(name)}`,
  events: (name: string) => `guildnet events ${quoted(name)}`,
  logs: (name: string, { level, q, container, previous }: LogChoice = {}) =>
    [
      `guildnet logs ${quoted(name)}`,
      previous ? "--previous" : "-f",
      level && `--level ${level}`,
      q && `--grep ${quoted(q)}`,
      container && `-c ${quoted(container)}`,
    ]
      .filter(Boolean)
      .join(" "),
};
