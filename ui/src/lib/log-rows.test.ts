import { describe, expect, it } from "vitest";
import { LogRows } from "./log-rows";

interface Row {
  key: number;
}

/** What `LogRows` does, done slowly. */
class Plain {
  rows: { key: number; height: number }[] = [];
  offset = (index: number) => this.rows.slice(0, index).reduce((all, row) => all + row.height, 0);
  indexAt = (pixels: number) => {
    const found = this.rows.findIndex((_, i) => pixels < this.offset(i + 1));
    return found < 0 ? this.rows.length - 1 : found;
  };
}

function both(count: number, height: (i: number) => number): { rows: LogRows<Row>; plain: Plain } {
  const [rows, plain] = [new LogRows<Row>(), new Plain()];
  for (let key = 0; key < count; key++) {
    rows.push({ key }, height(key));
    plain.rows.push({ key, height: height(key) });
  }
  return { rows, plain };
}

describe("rows of different heights", () => {
  it("know where each begins and which is at a place", () => {
    const { rows, plain } = both(700, (i) => 18 * (1 + (i % 5)));
    for (const index of [0, 1, 255, 256, 257, 511, 512, 699, 700]) expect(rows.offset(index)).toBe(plain.offset(index));
    for (const pixels of [-5, 0, 17, 18, 4608, 13_823.5, 20_000, rows.total - 1, rows.total, rows.total + 100]) {
      expect(rows.indexAt(pixels)).toBe(Math.max(0, plain.indexAt(pixels)));
    }
    expect(rows.total).toBe(plain.offset(700));
  });

  it("move what is below a row that turns out to be higher", () => {
    const { rows } = both(600, () => 20);
    expect(rows.setHeight(300, 60)).toBe(40);
    expect(rows.offset(300)).toBe(6000);
    expect(rows.offset(301)).toBe(6060);
    expect(rows.total).toBe(600 * 20 + 40);
    rows.resize(() => 10);
    expect([rows.offset(301), rows.total]).toEqual([3010, 6000]);
  });

  it("are found by their keys after the oldest have left and older ones were added", () => {
    const { rows } = both(1000, () => 20);
    expect(rows.shift()).toHaveLength(256);
    expect([rows.length, rows.total, rows.at(0)?.key]).toEqual([744, 744 * 20, 256]);
    expect([rows.indexOf(256), rows.indexOf(999), rows.indexOf(3), rows.indexOf(1000)]).toEqual([0, 743, 0, 744]);
    rows.unshift(Array.from({ length: 300 }, (_, i) => ({ key: i - 44 })), () => 30);
    expect([rows.length, rows.at(0)?.key, rows.indexOf(-44), rows.indexOf(256)]).toEqual([1044, -44, 0, 300]);
    expect(rows.offset(300)).toBe(9000);
    expect(rows.slice(298, 302).map((row) => row.key)).toEqual([254, 255, 256, 257]);
  });

  it("are none in an empty list", () => {
    const rows = new LogRows<Row>();
    expect([rows.indexAt(0), rows.at(0), rows.last, rows.slice(0, 9), rows.shift(), rows.total]).toEqual([-1, undefined, undefined, [], [], 0]);
  });

  it("take no time that one would see, a hundred thousand of them", () => {
    const { rows } = both(100_000, (i) => 18 + (i % 7));
    const began = performance.now();
    for (let i = 0; i < 1000; i++) rows.offset(rows.indexAt((rows.total * i) / 1000));
    expect(performance.now() - began).toBeLessThan(1000); // a frame has 16 ms, and makes some ten of them
  });
});
