/** Rows per chunk: a look-up passes over the chunks, and then over one of them. */
const CHUNK = 256;

interface Chunk<T> {
  rows: T[];
  heights: number[];
  sum: number;
}

/**
 * A list of rows of different heights, for a view that draws a few of a hundred thousand: where a row begins, and which
 * row is at a place, in some hundred additions. Rows are added at both ends and leave at the beginning. Keys rise.
 */
export class LogRows<T extends { readonly key: number }> {
  #chunks: Chunk<T>[] = [];
  #length = 0;
  #total = 0;

  get length(): number {
    return this.#length;
  }

  /** Height of all rows, in pixels. */
  get total(): number {
    return this.#total;
  }

  push(row: T, height: number): void {
    let chunk = this.#chunks.at(-1);
    if (!chunk || chunk.rows.length >= CHUNK) {
      chunk = { rows: [], heights: [], sum: 0 };
      this.#chunks.push(chunk);
    }
    chunk.rows.push(row);
    chunk.heights.push(height);
    chunk.sum += height;
    this.#total += height;
    this.#length++;
  }

  /** Add rows before the first. */
  unshift(rows: readonly T[], height: (row: T) => number): void {
    for (let end = rows.length; end > 0; end -= CHUNK) {
      const part = rows.slice(Math.max(0, end - CHUNK), end);
      const heights = part.map(height);
      const sum = heights.reduce((all, one) => all + one, 0);
      this.#chunks.unshift({ rows: part, heights, sum });
      this.#total += sum;
      this.#length += part.length;
    }
  }

  /** Take the oldest rows away, some hundred at once, and return them. */
  shift(): readonly T[] {
    const chunk = this.#chunks.shift();
    if (!chunk) return [];
    this.#length -= chunk.rows.length;
    this.#total = this.#chunks.length > 0 ? this.#total - chunk.sum : 0;
    return chunk.rows;
  }

  /** The rows that `shift` would take away. */
  get oldest(): readonly T[] {
    return this.#chunks[0]?.rows ?? [];
  }

  at(index: number): T | undefined {
    const place = this.#place(index);
    return place && place.chunk.rows[place.at];
  }

  get last(): T | undefined {
    return this.#chunks.at(-1)?.rows.at(-1);
  }

  /** Put a row in the place of another; it has the same key. */
  replace(index: number, row: T, height?: number): void {
    const place = this.#place(index);
    if (!place) return;
    place.chunk.rows[place.at] = row;
    if (height !== undefined) this.#resize(place.chunk, place.at, height);
  }

  slice(from: number, to: number): T[] {
    const found: T[] = [];
    for (let place = this.#place(from); place && found.length < to - from; ) {
      const part = place.chunk.rows.slice(place.at, place.at + to - from - found.length);
      found.push(...part);
      const next = this.#chunks[place.number + 1];
      place = next && { chunk: next, number: place.number + 1, at: 0 };
    }
    return found;
  }

  height(index: number): number {
    const place = this.#place(index);
    return place ? (place.chunk.heights[place.at] ?? 0) : 0;
  }

  /** Say how high a row is; returns by how much that is more than was known. */
  setHeight(index: number, height: number): number {
    const place = this.#place(index);
    return place ? this.#resize(place.chunk, place.at, height) : 0;
  }

  /** Say anew how high every row is. */
  resize(height: (row: T) => number): void {
    this.#total = 0;
    for (const chunk of this.#chunks) {
      chunk.heights = chunk.rows.map(height);
      chunk.sum = chunk.heights.reduce((all, one) => all + one, 0);
      this.#total += chunk.sum;
    }
  }

  /** Pixels above a row. */
  offset(index: number): number {
    let [above, left] = [0, index];
    for (const chunk of this.#chunks) {
      if (left < chunk.rows.length) {
        for (let i = 0; i < left; i++) above += chunk.heights[i] ?? 0;
        return above;
      }
      above += chunk.sum;
      left -= chunk.rows.length;
    }
    return above;
  }

  /** The row at so many pixels from the top; the first or the last one outside of them, -1 where there is none. */
  indexAt(pixels: number): number {
    let [left, index] = [pixels, 0];
    for (const chunk of this.#chunks) {
      if (left < chunk.sum) {
        for (const height of chunk.heights) {
          if (left < height) break;
          left -= height;
          index++;
        }
        return Math.min(index, this.#length - 1);
      }
      left -= chunk.sum;
      index += chunk.rows.length;
    }
    return this.#length - 1;
  }

  /** The place of the row with this key, or of the first one after it; the length where there is none. */
  indexOf(key: number): number {
    let before = 0;
    for (const chunk of this.#chunks) {
      const last = chunk.rows.at(-1);
      if (last && last.key >= key) {
        let [low, high] = [0, chunk.rows.length - 1];
        while (low < high) {
          const middle = (low + high) >> 1;
          if ((chunk.rows[middle]?.key ?? 0) < key) low = middle + 1;
          else high = middle;
        }
        return before + low;
      }
      before += chunk.rows.length;
    }
    return before;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const chunk of this.#chunks) yield* chunk.rows;
  }

  clear(): void {
    this.#chunks = [];
    this.#length = 0;
    this.#total = 0;
  }

  #place(index: number): { chunk: Chunk<T>; number: number; at: number } | undefined {
    if (index < 0) return undefined;
    let at = index;
    for (const [number, chunk] of this.#chunks.entries()) {
      if (at < chunk.rows.length) return { chunk, number, at };
      at -= chunk.rows.length;
    }
    return undefined;
  }

  #resize(chunk: Chunk<T>, at: number, height: number): number {
    const more = height - (chunk.heights[at] ?? 0);
    chunk.heights[at] = height;
    chunk.sum += more;
    this.#total += more;
    return more;
  }
}
