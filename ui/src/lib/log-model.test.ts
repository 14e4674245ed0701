import { describe, expect, it } from "vitest";
import type { TimelineEvent } from "../api/types";
import { LogModel } from "./log-model";

const line = (n: number, msg = `line ${n}`) => ({ t: `2026-11-24T12:00:${String(n % 60).padStart(2, "0")}.00000000${n % 10}Z`, lvl: "info" as const, msg });
const event = (t: string, over: Partial<TimelineEvent> = {}): TimelineEvent => ({
  t, type: "Normal", reason: "Pulled", message: "Pulled it", object: "Pod/a", ...over,
});
const texts = (model: LogModel) => [...model.rows].map((row) => `${row.kind}${row.count > 1 ? `×${row.count}` : ""} ${row.text}`);
const model = (lines = 1000, fold = true) => new LogModel(() => 20, fold, { lines, characters: 1_000_000 });

describe("the log as it is kept", () => {
  it("makes one row of repeats, which keeps its place and knows those before", () => {
    const log = model();
    for (const [n, text] of ["a", "tick 1ms", "tick 2ms", "tick 3ms", "b"].entries()) log.line(line(n, text));
    expect(texts(log)).toEqual(["line a", "line×3 tick 3ms", "line b"]);
    const row = log.rows.at(1);
    expect([row?.key, row?.folded.map((entry) => entry.text)]).toEqual([1, ["tick 1ms", "tick 2ms"]]);
    log.fold = false;
    expect(texts(log)).toEqual(["line a", "line tick 1ms", "line tick 2ms", "line tick 3ms", "line b"]);
    expect([...log.rows].map((one) => one.key)).toEqual([0, 1, 2, 3, 4]);
    log.fold = true;
    expect(texts(log)).toEqual(["line a", "line×3 tick 3ms", "line b"]);
    expect([log.lines, log.appended]).toEqual([5, 5]);
  });

  it("keeps some hundred of the lines that a row stands for, not all", () => {
    const log = model(100_000);
    for (let n = 0; n < 2000; n++) log.line(line(n, "tick"));
    expect([log.rows.length, log.rows.at(0)?.count, log.rows.at(0)?.folded.length, log.lines]).toEqual([1, 2000, 499, 500]);
  });

  it("does not fold marks, levels or containers into each other", () => {
    const log = model();
    log.mark("gap", "x");
    log.mark("gap", "x");
    log.line({ ...line(1, "x"), lvl: "error" });
    log.line({ ...line(1, "x"), lvl: "info" });
    log.line({ ...line(1, "x"), container: "b" });
    expect(log.rows.length).toBe(5);
  });

  it("lets the oldest rows go above its limit, and says so", () => {
    const log = model(1000, false);
    for (let n = 0; n < 1600; n++) log.line(line(n));
    log.trim();
    expect(log.rows.at(0)?.text).toBe("line 768");
    expect([log.lines, log.trimmed]).toEqual([832, true]);
  });

  it("lets nothing go that somebody reads, and takes no more at some point", () => {
    const log = model(1000, false);
    for (let n = 0; n < 1400; n++) log.line(line(n));
    log.trim(10);
    expect([log.rows.at(0)?.key, log.full]).toEqual([0, false]);
    for (let n = 0; n < 200; n++) log.line(line(n));
    log.trim(10);
    expect([log.rows.at(0)?.key, log.full]).toEqual([0, true]);
    log.trim(600);
    expect(log.rows.at(0)?.key).toBe(512);
  });

  it("bounds characters as well as lines", () => {
    const log = new LogModel(() => 20, false, { lines: 1_000_000, characters: 1_000_000 });
    for (let n = 0; n < 2000; n++) log.line(line(n, `${n} ${"x".repeat(1000)}`));
    log.trim();
    expect(log.lines * 1000).toBeLessThan(1_000_000);
  });

  it("puts events between the lines by their time, each once", () => {
    const log = model();
    log.event(event("2026-11-24T12:00:05Z", { reason: "Started", type: "Warning" }));
    log.event(event("2026-11-24T12:00:02Z"));
    log.event(event("2026-11-24T12:00:02Z"));
    log.line(line(1));
    log.line(line(3));
    expect(texts(log)).toEqual(["line line 1", "event Pulled – Pulled it", "line line 3"]);
    expect(log.settle()).toBe(true);
    expect(texts(log).at(-1)).toBe("warning Started – Pulled it");
    expect(log.settle()).toBe(false);
  });

  it("takes older lines before its first, without those it has", () => {
    const log = model();
    log.mark("source", "pod a");
    for (const n of [30, 31]) log.line(line(n));
    expect(log.prepend([line(28), line(29), line(30)])).toBe(2);
    expect(texts(log)).toEqual(["line line 28", "line line 29", "source pod a", "line line 30", "line line 31"]);
    expect([...log.rows].map((row) => row.key)).toEqual([-2, -1, 0, 1, 2]);
    expect(log.at(line(29).t)).toBe(-1);
    expect(log.at("2026-11-24T13:00:00Z")).toBeUndefined();
    log.prepend([line(10), line(11)], "not shown");
    expect(texts(log).slice(0, 4)).toEqual(["line line 10", "line line 11", "gap not shown", "line line 28"]);
  });
});
