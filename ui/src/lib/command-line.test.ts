import { expect, test } from "vitest";
import { commandLine, quoted } from "./command-line";

test.each([["lab-1", "lab-1"], ["/5\\d\\d$/", "'/5\\d\\d$/'"], ["it's", String.raw`'it'\''s'`], ["", "''"], ["*", "'*'"]])("%s is %s to a shell", (word, expected) => {
  expect(quoted(word)).toBe(expected);
});

test("a log is asked for as it is shown", () => {
  expect(commandLine.logs("lab")).toBe("guildnet logs lab -f");
  expect(commandLine.logs("lab", { level: "error", q: "out of tea", container: "*", previous: true })).toBe("guildnet logs lab --previous --level error --grep 'out of tea' -c '*'");
  expect(commandLine.open("lab", 9000)).toBe("guildnet open lab --port 9000");
});
