import { expect, test } from "vitest";
import { columns, spread } from "./starts";

const start = (seconds: number, minute = seconds) => ({ t: `2026-11-25T11:${String(minute).padStart(2, "0")}:00Z`, seconds });

test.each([
  [[], undefined],
  [[7], { many: 1, median: 7, most: 7, slowest: 7 }],
  [[4, 2, 3, 1], { many: 4, median: 2, most: 4, slowest: 4 }],
  [[...Array.from({ length: 19 }, () => 2), 50], { many: 20, median: 2, most: 2, slowest: 50 }],
])("starts of %j are spread as %o", (seconds, expected) => {
  expect(spread(seconds.map((one) => start(one, 0)))).toEqual(expected);
});

test("a chart gets its points in the order of time", () => {
  const noon = Date.parse("2026-11-25T11:00:00Z") / 1000;
  expect(columns([start(9), start(2)])).toEqual([[noon + 120, noon + 540], [2, 9]]);
});
