/** What the server tells of one seat, kept up to date; those who show it are told of each change. */

import { getJson } from "./sources.js";

const AGAIN_MS = 1500;

/** No more is told of a seat that is left, lost or played out. */
export const OVER = ["left", "late", "ended"];

class SeatState {
  constructor() {
    this.told = null;
    this.seen = [];
    this.trouble = "";
    this.listeners = new Set();
  }

  /** Call a function with this at each change, and now if anything is known. */
  listen(listener) {
    this.listeners.add(listener);
    if (this.told || this.trouble) listener(this);
    if (!this.following) this.following = this.follow();
  }

  forget(listener) {
    this.listeners.delete(listener);
  }

  async follow() {
    while (!OVER.includes(this.told?.state)) {
      try {
        this.take(await this.next());
      } catch (error) {
        this.trouble = error.message;
        this.tell();
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  next() {
    const wait = this.told && !this.trouble ? 15 : 0;
    const given = { version: this.told?.version ?? "", from: this.seen.length, wait_s: wait };
    return getJson("api/state", given);
  }

  take(told) {
    this.seen = [...this.seen.slice(0, told.from), ...told.seen];
    this.told = told;
    this.trouble = "";
    const left = told.question?.left_s;
    this.dueMs = typeof left === "number" ? performance.now() + left * 1000 : null;
    this.tell();
  }

  tell() {
    for (const listener of this.listeners) listener(this);
  }
}

export const seat = new SeatState();
