import { expect, test } from "vitest";
import { downloadPath, needle, secondAfter, streamPath, type LogRequest } from "./log-request";

const ALL: LogRequest = { id: "lab-1", level: "", q: "", container: "", previous: false, events: false };

test("a stream asks for no more than was chosen", () => {
  expect(streamPath(ALL)).toBe("/sse/logs?target=lab-1&tail=1000");
  expect(streamPath({ ...ALL, level: "error", q: "/5\\d\\d$/ &", container: "*", previous: true, events: true })).toBe(
    "/sse/logs?level=error&q=%2F5%5Cd%5Cd%24%2F+%26&container=*&previous=1&target=lab-1&tail=1000&events=1",
  );
});

test("a file has what is shown, all of it", () => {
  expect(downloadPath({ ...ALL, id: "a/b", q: "x", events: true })).toBe("/api/servers/a%2Fb/logs?q=x&format=text");
});

test.each([["tea", "tea"], ["/t.a/", ""], ["/t.a/i", ""], ["/usr/bin", "/usr/bin"], ["", ""]])("of %s, %s is marked", (q, expected) => {
  expect(needle(q)).toBe(expected);
});

test("the second after a line has it before it", () => {
  expect(secondAfter("2026-11-24T12:00:00.123456789Z")).toBe("2026-11-24T12:00:01.123Z");
  expect(secondAfter("soon")).toBe("soon");
});
