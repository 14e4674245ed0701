import { EMPTY, type Fields } from "./form";

// What is being typed outlives a reload, a sign-in and Back; secrets are not written down.

const KEY = "guildnet-draft";

interface Draft {
  search: string;
  fields: Fields;
}

export function keepDraft(search: string, fields: Fields): void {
  const env = fields.env.map((row) => (row.secret ? { ...row, value: "" } : row));
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ search, fields: { ...fields, env } } satisfies Draft));
  } catch {
    // Without storage a reload begins anew.
  }
}

/** What was typed at this address, if it was. */
export function draftOf(search: string): Fields | undefined {
  try {
    const draft = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Draft | null;
    return draft?.search === search ? { ...EMPTY, ...draft.fields } : undefined;
  } catch {
    return undefined;
  }
}

export function dropDraft(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // There is none.
  }
}
