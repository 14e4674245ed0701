// Escape sequences of terminals (ECMA-48 CSI and OSC): colours and titles that a log view does not show.
// oxlint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

export function withoutEscapes(text: string): string {
  return text.includes("\u001b") ? text.replaceAll(ESCAPES, "") : text;
}
