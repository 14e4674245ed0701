/** The words of a command line, as a shell splits them (POSIX quotes and backslashes); undefined for an open quote. */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const sign = line[at] as string;
    if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (sign === "'" || sign === '"') {
      const text = quotedText(line, at);
      if (text === undefined) return undefined;
      word = (word ?? "") + text.value;
      at = text.end;
    } else if (sign === "\\") {
      if (at + 1 >= line.length) return undefined;
      word = (word ?? "") + line[++at];
    } else word = (word ?? "") + sign;
  }
  return word === undefined ? words : [...words, word];
}

function quotedText(line: string, start: number): { value: string; end: number } | undefined {
  const quote = line[start];
  let value = "";
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === quote) return { value, end: at };
    // Within double quotes a backslash takes the meaning of these alone.
    if (quote === '"' && line[at] === "\\" && /["\\$`]/.test(line[at + 1] ?? "")) at++;
    value += line[at];
  }
  return undefined;
}
