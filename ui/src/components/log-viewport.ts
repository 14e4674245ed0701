import type { LogModel, Row } from "../lib/log-model";

/** So much is drawn above and below what is seen, in pixels: the page scrolls ahead of its scripts. */
const OVERSCAN_PX = 480;
/** A wheel or a key goes on moving the page for so long. */
const INTENT_MS = 500;
const END_PX = 2;
/** What is drawn may turn out lower than was thought, so that more is in view: each round draws that, too. */
const ROUNDS = 12;
const NEAR_START_PX = 600;
const MOVING_KEYS = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "]);

/** The row at the top, and how far down in it the top is. */
interface Anchor {
  key: number;
  down: number;
}

export interface Parts {
  /** What scrolls. */
  box: HTMLElement;
  /** As high as all rows together. */
  sizer: HTMLElement;
  /** Holds the rows that are drawn, each a child of it with `data-key`. */
  drawn: HTMLElement;
  /** Draw these rows, before it returns: their heights are read then. */
  draw: (rows: readonly Row[]) => void;
  /** Whether it follows has changed. */
  followed: (following: boolean) => void;
  /** The reader came near the first row. */
  nearStart: () => void;
}

/**
 * Shows the part of a log that is in view. It stays at the end until the reader goes up by wheel, touch, key or scroll
 * bar, and then at the reader's line, whatever comes, goes or turns out higher than was thought. A scroll event alone
 * never ends following: it also comes of rows that change their heights.
 */
export class LogViewport {
  readonly #parts: Parts;
  readonly #model: LogModel;
  #following = true;
  #anchor: Anchor = { key: 0, down: 0 };
  #set = 0;
  #intentUntil = 0;
  #dragging = false;
  /** Rows whose height was read from the page, by key; the row itself, since a changed one is read anew. */
  #measured = new Map<number, Row>();

  constructor(model: LogModel, parts: Parts) {
    this.#model = model;
    this.#parts = parts;
  }

  get following(): boolean {
    return this.#following;
  }

  /** The key of the row at the top while somebody reads further up. */
  get held(): number | undefined {
    return this.#following ? undefined : this.#anchor.key;
  }

  follow(): void {
    this.#followed(true);
    this.render();
  }

  /** A row is not as high as it was. */
  changed(key: number): void {
    this.#measured.delete(key);
    this.render();
  }

  /** Put a row a third from the top. */
  show(key: number): void {
    this.#followed(false);
    this.#anchor = { key, down: -this.#parts.box.clientHeight / 3 };
    this.render();
    this.render(); // the rows above it are measured now
  }

  toStart(): void {
    this.#followed(false);
    this.#anchor = { key: this.#model.rows.at(0)?.key ?? 0, down: 0 };
    this.render();
    this.#parts.nearStart();
  }

  /** Heights are not what they were: another width, or lines are wrapped or not. */
  remeasure(height: (row: Row) => number): void {
    this.#measured.clear();
    this.#model.rows.resize(height);
    this.render();
  }

  reset(): void {
    this.#measured.clear();
    this.#followed(true);
    this.render();
  }

  render(): void {
    const { box, sizer, drawn, draw } = this.#parts;
    const rows = this.#model.rows;
    const seen = box.clientHeight;
    let top = 0;
    for (let round = 0; round < ROUNDS; round++) {
      top = this.#top(seen);
      const first = Math.max(0, rows.indexAt(top - OVERSCAN_PX));
      const last = rows.indexAt(top + seen + OVERSCAN_PX);
      draw(rows.slice(first, last + 1));
      sizer.style.height = `${rows.total}px`;
      drawn.style.transform = `translateY(${rows.offset(first)}px)`;
      if (!this.#measure(first)) break;
    }
    if (Math.abs(box.scrollTop - top) > 0.5) box.scrollTop = top;
    this.#set = box.scrollTop;
    if (this.#measured.size > 4000) this.#measured.clear();
  }

  #top(seen: number): number {
    const rows = this.#model.rows;
    const most = Math.max(0, rows.total - seen);
    if (this.#following) return most;
    const index = rows.indexOf(this.#anchor.key);
    // The reader's row has left: the oldest that is there is next to it.
    const down = rows.at(index)?.key === this.#anchor.key ? this.#anchor.down : 0;
    return Math.min(most, Math.max(0, rows.offset(index) + down));
  }

  /** Read the heights of the rows drawn. Whether any was another than was thought. */
  #measure(first: number): boolean {
    let changed = false;
    const rows = this.#model.rows;
    for (const [i, element] of [...this.#parts.drawn.children].entries()) {
      const row = rows.at(first + i);
      if (!row || this.#measured.get(row.key) === row) continue;
      this.#measured.set(row.key, row);
      const height = element.getBoundingClientRect().height;
      if (height > 0 && Math.abs(rows.setHeight(first + i, height)) > 0.5) changed = true;
    }
    return changed;
  }

  #followed(following: boolean): void {
    if (following === this.#following) return;
    this.#following = following;
    this.#parts.followed(following);
  }

  // ---- what the reader does ---------------------------------------------------------------------------------------

  /** Listen to the box; returns how to stop. */
  listen(): () => void {
    const { box } = this.#parts;
    const stop = new AbortController();
    const on = (name: string, listen: (event: Event) => void) =>
      box.addEventListener(name, listen, { passive: name !== "keydown", signal: stop.signal });
    on("scroll", () => this.#scrolled());
    on("wheel", () => this.#means());
    on("touchmove", () => this.#means(1500)); // it glides on
    on("keydown", (event) => this.#pressed(event as KeyboardEvent));
    on("pointerdown", (event) => {
      const at = event as PointerEvent;
      this.#dragging = at.target === box && (at.offsetX >= box.clientWidth || at.offsetY >= box.clientHeight);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      window.addEventListener(name, () => this.#released(), { signal: stop.signal });
    }
    return () => stop.abort();
  }

  #means(milliseconds = INTENT_MS): void {
    this.#intentUntil = Math.max(this.#intentUntil, performance.now() + milliseconds);
  }

  #released(): void {
    if (this.#dragging) this.#means();
    this.#dragging = false;
  }

  #pressed(event: KeyboardEvent): void {
    if (event.target !== this.#parts.box || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!MOVING_KEYS.has(event.key)) return;
    // The browser would go to where the end is now, by guessed heights.
    if (event.key === "End" || event.key === "Home") {
      event.preventDefault();
      if (event.key === "End") this.follow();
      else this.toStart();
      return;
    }
    this.#means();
  }

  #scrolled(): void {
    const { box } = this.#parts;
    const top = box.scrollTop;
    if (Math.abs(top - this.#set) < 1) return;
    const meant = this.#dragging || performance.now() < this.#intentUntil;
    if (this.#following && !meant) {
      this.render();
      return;
    }
    this.#moveTo(top, meant);
    this.render();
    if (meant && top < NEAR_START_PX) this.#parts.nearStart();
  }

  #moveTo(top: number, meant: boolean): void {
    const { box } = this.#parts;
    const rows = this.#model.rows;
    const atEnd = top >= rows.total - box.clientHeight - END_PX;
    const index = rows.indexAt(top);
    this.#anchor = { key: rows.at(index)?.key ?? 0, down: top - rows.offset(Math.max(0, index)) };
    this.#followed(atEnd && meant);
  }
}
