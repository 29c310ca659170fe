/**
 * A list of any length of which only the rows near the window are in the document.
 *
 * Rows are as high as what is in them. Heights are guessed until a row was shown; when they turn
 * out otherwise above the window, the reader's place stays where it is.
 */

import { el } from "./dom.js";

const OVERSCAN = 800; // pixels above and below the window that are kept in the document
const HIGHEST = 30_000_000; // pixels: browsers make no element much higher

/** Sums of a growing row of numbers, in logarithmic time (Fenwick 1994). */
class Sums {
  constructor(guess) {
    this.guess = guess;
    this.values = [];
    this.tree = [0];
  }

  get length() {
    return this.values.length;
  }

  resize(n) {
    if (n < this.values.length) {
      const kept = this.values.slice(0, n);
      this.values = [];
      this.tree = [0];
      for (const value of kept) this.push(value);
    }
    while (this.values.length < n) this.push(this.guess);
  }

  push(value) {
    const at = this.values.push(value);
    let sum = value;
    for (let below = 1; below < (at & -at); below *= 2) sum += this.tree[at - below];
    this.tree[at] = sum;
  }

  set(index, value) {
    const change = value - this.values[index];
    this.values[index] = value;
    for (let at = index + 1; at < this.tree.length; at += at & -at) this.tree[at] += change;
    return change;
  }

  before(index) {
    let sum = 0;
    for (let at = index; at > 0; at -= at & -at) sum += this.tree[at];
    return sum;
  }

  /** The index of the value in which a sum is reached. */
  find(sum) {
    let at = 0;
    let step = 1 << Math.floor(Math.log2(Math.max(1, this.values.length)));
    for (; step; step >>= 1) {
      if (at + step < this.tree.length && this.tree[at + step] <= sum) {
        at += step;
        sum -= this.tree[at];
      }
    }
    return Math.min(at, Math.max(0, this.values.length - 1));
  }
}

/**
 * @param {object} options
 * @param {(index: number) => Node} options.render Makes a row.
 * @param {number} options.guess Height of a row that was not shown yet, in pixels.
 * @param {(from: number, to: number) => void} [options.onRange] Told which rows are in sight.
 */
export class Rows {
  constructor({ render, guess, onRange = () => {}, label = "rows" }) {
    this.render = render;
    this.onRange = onRange;
    this.sums = new Sums(guess);
    this.shown = new Map();
    this.room = el("div.rows-room", { role: "list", "aria-label": label });
    this.element = el("div.rows", { onscroll: () => this.draw() }, this.room);
    this.follow = false;
    this.sizes = new ResizeObserver(() => requestAnimationFrame(() => this.draw())); // pictures come late
    this.sizes.observe(this.element);
  }

  get length() {
    return this.sums.length;
  }

  /** Whether the reader is at the end. */
  get isAtEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < 48;
  }

  /** Pixels of all rows for one that is scrolled: more than one where they are too many for a room. */
  get scale() {
    const [all, seen] = [this.sums.before(this.length), this.element.clientHeight];
    return all > HIGHEST ? (all - seen) / (HIGHEST - seen) : 1;
  }

  /** Where among all rows the window begins, in pixels. */
  get top() {
    return this.element.scrollTop * this.scale;
  }

  set top(pixels) {
    this.element.scrollTop = pixels / this.scale;
  }

  /** Say how many rows there are; a reader who is at the end, and follows, stays there. */
  resize(n) {
    const stay = this.follow && this.isAtEnd;
    this.sums.resize(n);
    this.draw();
    if (stay) this.toEnd();
  }

  toEnd() {
    for (let turn = 0; turn < 3; turn += 1) {
      this.top = this.sums.before(this.length);
      this.draw();
    }
  }

  /** Make rows anew: all, or those of a stretch. */
  redraw(from = 0, to = Infinity) {
    this.renew((index) => index >= from && index < to);
  }

  /** Make those rows anew of which this is true. */
  renew(isStale) {
    for (const [index, node] of this.shown) {
      if (isStale(index)) {
        this.remove(index, node);
      }
    }
    this.draw();
  }

  /** Bring a row into sight; `where` is "near" for as little as needed, or "middle". */
  reveal(index, where = "near") {
    for (let turn = 0; turn < 3; turn += 1) {
      const top = this.sums.before(index);
      const height = this.sums.values[index] ?? 0;
      const { clientHeight } = this.element;
      const from = this.top;
      if (where === "middle") this.top = top - Math.max(0, (clientHeight - height) / 3);
      else if (top < from) this.top = top - 8;
      else if (top + height > from + clientHeight) this.top = Math.min(top, top + height - clientHeight + 8);
      this.draw();
    }
  }

  /** The first row in sight. */
  first() {
    return this.sums.find(this.top + 1);
  }

  node(index) {
    return this.shown.get(index)?.firstElementChild ?? null;
  }

  remove(index, node) {
    this.sizes.unobserve(node);
    node.remove();
    this.shown.delete(index);
  }

  draw() {
    const { clientHeight } = this.element;
    if (!clientHeight) return;
    const { top } = this;
    const from = this.sums.find(Math.max(0, top - OVERSCAN));
    const to = Math.min(this.length, this.sums.find(top + clientHeight + OVERSCAN) + 1);
    for (const [index, node] of this.shown) {
      if ((index < from || index >= to) && !node.contains(document.activeElement)) {
        this.remove(index, node);
      }
    }
    this.insert(from, to);
    this.measure(this.first(), top);
    this.onRange(from, to);
  }

  /** Put rows that are missing where they belong: keys and readers aloud go by the document's order. */
  insert(from, to) {
    const missing = [];
    for (let index = from; index < to; index += 1) if (!this.shown.has(index)) missing.push(index);
    if (!missing.length) return;
    const there = [...this.shown].sort(([one], [other]) => one - other);
    for (const index of missing) {
      while (there.length && there[0][0] < index) there.shift();
      const row = el("div.rows-row", { role: "listitem" }, this.render(index));
      this.room.insertBefore(row, there[0]?.[1] ?? null);
      this.sizes.observe(row);
      this.shown.set(index, row);
    }
  }

  /** Take in how high rows are, and place them; the anchor stays where it is in the window. */
  measure(anchor, top) {
    let [above, isChanged] = [0, false];
    for (const [index, row] of this.shown) {
      const height = row.offsetHeight;
      if (index >= this.length || height === this.sums.values[index]) continue;
      const change = this.sums.set(index, height);
      isChanged = true;
      if (index < anchor) above += change;
    }
    this.room.style.height = `${Math.min(HIGHEST, this.sums.before(this.length))}px`;
    if (above || (isChanged && this.scale !== 1)) this.top = top + above;
    const shift = this.scale === 1 ? 0 : this.top - this.element.scrollTop;
    for (const [index, row] of this.shown)
      row.style.transform = `translateY(${this.sums.before(index) - shift}px)`;
  }
}
