import { describe, expect, it, test } from "vitest";
import { withoutEscapes } from "./ansi";
import { address, imageParts } from "./server";
import { age, clock } from "./time";
import { aServer } from "../test/fake-api";

const NOW = Date.parse("2026-11-24T12:00:00Z");

test.each([
  ["2026-11-24T11:59:48Z", "12s"],
  ["2026-11-24T11:55:00Z", "5m"],
  ["2026-11-24T09:00:00Z", "3h"],
  ["2026-11-20T12:00:00Z", "4d"],
  ["2026-11-24T12:00:09Z", "0s"],
  [undefined, ""],
  ["yesterday", ""],
])("the age of %s is %s", (from, expected) => {
  expect(age(from, NOW)).toBe(expected);
});

test("a line's time is shown to the millisecond, and a bad one not at all", () => {
  expect(clock("2026-11-24T12:00:00.007Z")).toMatch(/^\d\d:\d\d:00\.007$/);
  expect(clock("soon")).toBe("");
});

test("colours and titles of terminals are taken out of log lines", () => {
  expect(withoutEscapes("\u001B[32mok\u001B[0m \u001B]0;title\u0007done")).toBe("ok done");
  expect(withoutEscapes("[I plain]")).toBe("[I plain]");
});

test.each([
  ["localhost/guildnet/jupyterlab:dev-1", "guildnet/jupyterlab", "dev-1"],
  ["registry.example.com:5000/a/b:1.2", "a/b", "1.2"],
  ["nginx", "nginx", ""],
  ["library/nginx:1", "library/nginx", "1"],
  [`ghcr.io/x/y@sha256:${"a".repeat(64)}`, "x/y", "a".repeat(12)],
])("%s is shown as %s %s", (image, name, tag) => {
  expect(imageParts(image)).toEqual({ name, tag });
});

describe("a server", () => {
  it("opens on its own origin where it has one", () => {
    expect(address(aServer({ url: "https://guildnet.example.ts.net:20001/" }))).toBe("https://guildnet.example.ts.net:20001/");
    expect(address(aServer())).toBe("/proxy/server/lab-12345/");
  });
});
