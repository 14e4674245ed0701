// Escape sequences of terminals (ECMA-48 CSI and OSC): their colours become styled pieces, everything else is left out.
// oxlint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

export function withoutEscapes(text: string): string {
  return text.includes("\u001b") ? text.replaceAll(ESCAPES, "") : text;
}

/** A colour: 0–15 of the palette, which the style sheet has, or any other as CSS. */
export type Colour = number | string;

/** How a piece of text looks; absent facts are absent keys. */
export interface Style {
  fg?: Colour;
  bg?: Colour;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  strike?: boolean;
  inverse?: boolean;
}

export interface Piece {
  text: string;
  style: Style;
}

const PLAIN: Style = {};
const FLAGS: Readonly<Record<number, keyof Style>> = {
  1: "bold",
  2: "dim",
  3: "italic",
  4: "underline",
  7: "inverse",
  9: "strike",
};
const ENDS: Readonly<Record<number, readonly (keyof Style)[]>> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
  39: ["fg"],
  49: ["bg"],
};
const CUBE = [0, 95, 135, 175, 215, 255] as const;

/** The pieces of a line in their order, one plain piece where it has no escape sequence. */
export function pieces(text: string): Piece[] {
  if (!text.includes("\u001b")) return [{ text, style: PLAIN }];
  const found: Piece[] = [];
  let style: Style = PLAIN;
  let at = 0;
  const add = (end: number) => {
    if (end > at) found.push({ text: text.slice(at, end), style });
  };
  for (const match of text.matchAll(ESCAPES)) {
    add(match.index);
    at = match.index + match[0].length;
    // Only `CSI … m` (SGR) is about looks; a private one (`CSI > … m`) is not.
    const sgr = /^\u001b\[([\d;:]*)m$/.exec(match[0]); // oxlint-disable-line no-control-regex
    if (sgr) style = styled(style, sgr[1] ?? "");
  }
  add(text.length);
  return found.length > 0 ? found : [{ text: "", style: PLAIN }];
}

/** The style after the parameters of one SGR sequence. */
function styled(before: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let style: Style = { ...before };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) style = {};
    else if (FLAGS[code]) style = { ...style, [FLAGS[code]]: true };
    else if (ENDS[code]) for (const key of ENDS[code]) delete style[key];
    else if (code === 38 || code === 48) {
      const { colour, used } = extended(codes, i + 1);
      i += used;
      if (colour !== undefined) style[code === 38 ? "fg" : "bg"] = colour;
    } else {
      const colour = basic(code);
      if (colour) style[colour.ground] = colour.index;
    }
  }
  return style;
}

function basic(code: number): { ground: "fg" | "bg"; index: number } | undefined {
  if (code >= 30 && code <= 37) return { ground: "fg", index: code - 30 };
  if (code >= 40 && code <= 47) return { ground: "bg", index: code - 40 };
  if (code >= 90 && code <= 97) return { ground: "fg", index: code - 82 };
  if (code >= 100 && code <= 107) return { ground: "bg", index: code - 92 };
  return undefined;
}

/** `5;N` and `2;R;G;B` behind 38 or 48 (ITU-T T.416), and how many parameters that were. */
function extended(codes: readonly number[], at: number): { colour?: Colour; used: number } {
  if (codes[at] === 5) {
    const n = codes[at + 1] ?? 0;
    return n <= 255 ? { colour: indexed(n), used: 2 } : { used: 2 };
  }
  if (codes[at] === 2) {
    const rgb = [1, 2, 3].map((i) => Math.min(255, codes[at + i] || 0));
    return { colour: `rgb(${rgb.join(" ")})`, used: 4 };
  }
  return { used: 0 };
}

/** A colour of the 256 of xterm: the palette, a cube of 6 × 6 × 6, and 24 greys. */
function indexed(n: number): Colour {
  if (n < 16) return n;
  if (n >= 232) return `rgb(${Array(3).fill(8 + (n - 232) * 10).join(" ")})`;
  const i = n - 16;
  return `rgb(${[Math.floor(i / 36), Math.floor(i / 6) % 6, i % 6].map((part) => CUBE[part]).join(" ")})`;
}

/** The classes of a style, and its colours outside of the palette. */
export function looks(style: Style): { class: string; color?: string; background?: string } {
  const [fg, bg] = style.inverse ? [style.bg ?? "back", style.fg ?? "front"] : [style.fg, style.bg];
  const classes: string[] = [];
  for (const flag of Object.values(FLAGS)) if (flag !== "inverse" && style[flag]) classes.push(`ansi-${flag}`);
  const own: { color?: string; background?: string } = {};
  const put = (ground: "fg" | "bg", colour: Colour | undefined) => {
    if (colour === undefined) return;
    if (typeof colour === "number" || colour === "back" || colour === "front") classes.push(`ansi-${ground}-${colour}`);
    else own[ground === "fg" ? "color" : "background"] = colour;
  };
  put("fg", fg);
  put("bg", bg);
  return { class: classes.join(" "), ...own };
}
