/** The turns of an episode that were fetched, a window at a time. */

const WINDOW = 100; // turns fetched at once

/** Turns of one episode, fetched a window at a time as they come into sight. */
export class Turns {
  constructor(source, episode, onLoad, onError) {
    Object.assign(this, { source, episode, onLoad, onError });
    this.turns = new Map();
    this.asked = new Set();
    this.n = episode.n_steps;
    this.after = null;
  }

  need(from, to) {
    for (let at = Math.floor(from / WINDOW); at * WINDOW < Math.min(to, this.n + 1); at += 1) {
      const missing = (at + 1) * WINDOW > this.n ? !this.after : false;
      if (this.asked.has(at) || (!missing && this.turns.has(at * WINDOW) && this.isWhole(at))) continue;
      this.asked.add(at);
      this.fetch(at);
    }
  }

  isWhole(at) {
    return this.turns.has(Math.min((at + 1) * WINDOW, this.n) - 1);
  }

  async fetch(at) {
    try {
      let from = at * WINDOW;
      while (this.turns.has(from) && from + 1 < (at + 1) * WINDOW) from += 1;
      const found = await this.source.turns(this.episode.episode, from, (at + 1) * WINDOW);
      this.asked.delete(at); // what has come meanwhile may be asked for while these are shown
      if (found.n_steps > this.n) this.grow({ ...this.episode, ...found.row });
      for (const turn of found.turns) this.turns.set(turn.step, turn);
      if (found.n_steps === this.n) this.after = found.after ?? this.after;
      this.onLoad(from, from + found.turns.length + 1);
    } catch (error) {
      this.asked.delete(at);
      this.onError(error);
    }
  }

  /** The episode has gone on: what stood behind its last turn holds no more. */
  grow(episode) {
    this.episode = episode;
    this.n = episode.n_steps;
    this.after = null;
  }
}
