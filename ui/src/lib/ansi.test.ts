import { describe, expect, it, test } from "vitest";
import { looks, pieces, withoutEscapes } from "./ansi";

const ESC = "\u001B";

test.each([
  ["plain", "plain text", [["plain text", {}]]],
  ["an empty line", "", [["", {}]]],
  ["nothing but a sequence", `${ESC}[31m`, [["", {}]]],
  ["a colour and its end", `a ${ESC}[31mred${ESC}[0m b`, [["a ", {}], ["red", { fg: 1 }], [" b", {}]]],
  ["a reset without a number", `${ESC}[1mx${ESC}[my`, [["x", { bold: true }], ["y", {}]]],
  ["bright and background", `${ESC}[92;41mx`, [["x", { fg: 10, bg: 1 }]]],
  ["the default colours", `${ESC}[31;42mx${ESC}[39;49my`, [["x", { fg: 1, bg: 2 }], ["y", {}]]],
  ["one of 256: palette", `${ESC}[38;5;9mx`, [["x", { fg: 9 }]]],
  ["one of 256: cube", `${ESC}[38;5;208mx`, [["x", { fg: "rgb(255 135 0)" }]]],
  ["one of 256: grey", `${ESC}[48;5;255mx`, [["x", { bg: "rgb(238 238 238)" }]]],
  ["any colour", `${ESC}[1;38;2;1;2;300mx`, [["x", { bold: true, fg: "rgb(1 2 255)" }]]],
  ["what follows an extended colour", `${ESC}[38;5;9;4mx`, [["x", { fg: 9, underline: true }]]],
  ["flags that end apart", `${ESC}[1;3;4mx${ESC}[22my`, [["x", { bold: true, italic: true, underline: true }], ["y", { italic: true, underline: true }]]],
  ["what is no colour", `${ESC}[2K${ESC}]0;title${"\u0007"}done`, [["done", {}]]],
  ["a private sequence", `${ESC}[>4;1mx`, [["x", {}]]],
  ["a sequence that was cut", `x${ESC}[3`, [[`x${ESC}[3`, {}]]],
] as [string, string, [string, object][]][])("%s", (_, text, expected) => {
  expect(pieces(text).map(({ text: piece, style }) => [piece, style])).toEqual(expected);
});

test("the pieces together are the text without its sequences, whatever they are", () => {
  for (const text of [`${ESC}[31;1mA${ESC}[0mB`, `a${ESC}[99;;mx`, `${ESC}[38;5mx`, `${ESC}[38;2;1mx${ESC}[48mz`]) {
    expect(pieces(text).map((piece) => piece.text).join("")).toBe(withoutEscapes(text));
  }
});

describe("looks", () => {
  it("are classes for what the style sheet has, and colours for what it has not", () => {
    expect(looks({ fg: 1, bold: true })).toEqual({ class: "ansi-bold ansi-fg-1" });
    expect(looks({ bg: "rgb(1 2 3)" })).toEqual({ class: "", background: "rgb(1 2 3)" });
  });

  it("are turned round by inverse, with the log's own colours where none was said", () => {
    expect(looks({ fg: 1, inverse: true })).toEqual({ class: "ansi-fg-back ansi-bg-1" });
    expect(looks({ inverse: true })).toEqual({ class: "ansi-fg-back ansi-bg-front" });
  });
});
