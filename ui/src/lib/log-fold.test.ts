import { expect, test } from "vitest";
import { repeats } from "./log-fold";

test.each([
  ["the same text", "tick", "tick", true],
  ["JupyterLab's answer to the probe", "[I 2026-11-24 12:00:00.123 ServerApp] 302 GET / (@10.0.0.1) 0.45ms", "[I 2026-11-24 12:00:05.120 ServerApp] 302 GET / (@10.0.0.1) 12.1ms", true],
  ["nginx's answer to the probe", '10.0.0.1 - - [24/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200', '10.0.0.1 - - [24/Nov/2026:12:00:05 +0000] "GET / HTTP/1.1" 200', true],
  ["another status", "12:00:00 GET / 200", "12:00:05 GET / 500", false],
  ["steps that are counted", "step 1 of 9", "step 2 of 9", false],
  ["another user", "10.0.0.1 came", "10.0.0.2 came", false],
  ["blank lines", "", "", false],
  ["colours alone", "\u001B[32mok\u001B[0m 1ms", "ok 2ms", true],
  ["RFC 3339", "2026-11-24T12:00:00.123456789Z hello", "2026-11-24T12:00:01Z hello", true],
])("%s", (_, before, text, expected) => {
  expect(repeats(before, text)).toBe(expected);
});
