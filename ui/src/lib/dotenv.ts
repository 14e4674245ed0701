export interface Variable {
  name: string;
  value: string;
}

const LINE = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/;
const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t" };

/** The variables of a `.env` file: comments and blank lines go, quotes come off, `export` is let be. */
export function parseDotenv(text: string): Variable[] {
  const lines = text.split(/\r?\n/);
  const found: Variable[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, name, rest = ""] = LINE.exec(lines[at] ?? "") ?? [];
    if (!name) continue;
    const quote = /^["'`]/.exec(rest)?.[0];
    if (!quote) {
      found.push({ name, value: rest.replace(/\s+#.*$/, "").trim() });
      continue;
    }
    // A quoted value may go over several lines.
    let value = rest.slice(1);
    while (closing(value, quote) < 0 && at + 1 < lines.length) value += `\n${lines[++at]}`;
    const end = closing(value, quote);
    const inside = end < 0 ? value : value.slice(0, end);
    found.push({ name, value: quote === '"' ? inside.replaceAll(/\\(.)/gs, (_, sign: string) => ESCAPES[sign] ?? sign) : inside });
  }
  return found;
}

function closing(text: string, quote: string): number {
  for (let at = 0; at < text.length; at++) {
    if (quote === '"' && text[at] === "\\") at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

/** Whether a pasted text is variables, and not one value. */
export function isDotenv(text: string): boolean {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() && !line.trim().startsWith("#"));
  return lines.length > 0 && (lines.length > 1 || /^\s*(?:export\s+)?[A-Z_][A-Z0-9_]*=/.test(lines[0] ?? "")) && LINE.test(lines[0] ?? "");
}

/** Whether a variable of this name is likely to be a secret; the API decides by itself as well. */
export function looksSecret(name: string): boolean {
  return /passw|passphrase|passcode|secret|token|credential|api_?key|(?:access|auth|private|signing|master)_?key|_key$|^key$/i.test(name);
}
