/**
 * A list of any length of which only the rows near the window are in the document.
 *
 * Rows are as high as what is in them. Heights are guessed until a row was shown; when they turn
 * out otherwise above the window, the reader's place stays where it is.
 */

import { el } from "./dom.js";

const OVERSCAN = 800; // pixels above and below the window that are kept in the document

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
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  get length() {
    return this.sums.length;
  }

  /** Whether the reader is at the end. */
  get isAtEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < 48;
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
      this.element.scrollTop = this.sums.before(this.length);
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
        node.remove();
        this.shown.delete(index);
      }
    }
    this.draw();
  }

  /** Bring a row into sight; `where` is "near" for as little as needed, or "middle". */
  reveal(index, where = "near") {
    for (let turn = 0; turn < 3; turn += 1) {
      const top = this.sums.before(index);
      const height = this.sums.values[index] ?? 0;
      const { scrollTop, clientHeight } = this.element;
      if (where === "middle") this.element.scrollTop = top - Math.max(0, (clientHeight - height) / 3);
      else if (top < scrollTop) this.element.scrollTop = top - 8;
      else if (top + height > scrollTop + clientHeight)
        this.element.scrollTop = Math.min(top, top + height - clientHeight + 8);
      this.draw();
    }
  }

  /** The first row in sight. */
  first() {
    return this.sums.find(this.element.scrollTop + 1);
  }

  node(index) {
    return this.shown.get(index)?.firstElementChild ?? null;
  }

  draw() {
    const { scrollTop, clientHeight } = this.element;
    if (!clientHeight) return;
    const from = this.sums.find(Math.max(0, scrollTop - OVERSCAN));
    const to = Math.min(this.length, this.sums.find(scrollTop + clientHeight + OVERSCAN) + 1);
    for (const [index, node] of this.shown) {
      if ((index < from || index >= to) && !node.contains(document.activeElement)) {
        node.remove();
        this.shown.delete(index);
      }
    }
    for (let index = from; index < to; index += 1) {
      if (!this.shown.has(index)) {
        const row = el("div.rows-row", { role: "listitem" }, this.render(index));
        this.shown.set(index, row);
        this.room.append(row);
      }
    }
    this.measure(this.first(), scrollTop);
    this.onRange(from, to);
  }

  measure(anchor, scrollTop) {
    let above = 0;
    for (const [index, row] of this.shown) {
      const height = row.offsetHeight;
      if (index >= this.length || height === this.sums.values[index]) continue;
      const change = this.sums.set(index, height);
      if (index < anchor) above += change;
    }
    for (const [index, row] of this.shown)
      row.style.transform = `translateY(${this.sums.before(index)}px)`;
    this.room.style.height = `${this.sums.before(this.length)}px`;
    if (above) this.element.scrollTop = scrollTop + above;
  }
}
