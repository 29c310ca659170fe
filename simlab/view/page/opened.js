/** The turn that is opened beside the transcript: all that happened in it, down to the tokens. */

import { el, fill } from "./dom.js";
import { stepTree } from "./drill.js";
import { turnHead } from "./head.js";

export class OpenedTurn {
  constructor(view) {
    Object.assign(this, { view, isOpen: false });
    this.element = el("aside.drill", { hidden: true, "aria-label": "turn" });
  }

  /** Show the turn that is chosen; what comes late of another is left. */
  async show() {
    const { episode, turn, source, look } = this.view;
    this.toggle(true);
    try {
      const step = await source.step(episode, turn);
      if (this.isOpen && this.isChosen(episode, turn))
        fill(this.element, this.head(), el("div.drill-body", {}, stepTree(step, look)));
    } catch (error) {
      if (this.isChosen(episode, turn)) fill(this.element, this.head(), el("p.failure", {}, error.message));
    }
  }

  close() {
    this.toggle(false);
    this.view.rows.draw();
  }

  toggle(isOpen) {
    this.isOpen = isOpen;
    this.element.hidden = !isOpen;
    this.view.root.firstChild.classList.toggle("drilled", isOpen);
  }

  isChosen(episode, turn) {
    return this.view.episode === episode && this.view.turn === turn;
  }

  head() {
    const { episode, turn, turns, options } = this.view;
    return turnHead(turn >= turns.n ? "After the last turn" : `Turn ${turn}`, {
      href: this.view.link(episode, turn), tools: options.tools?.(episode, turn), onClose: () => this.close(),
    });
  }
}
