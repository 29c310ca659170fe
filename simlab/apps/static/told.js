/**
 * <simlab-told panel="steer">: what became of what was done in a panel, in words.
 * <simlab-read>: which turn the forms beside it are about.
 */

import { el, fill } from "./dom.js";

class ToldElement extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "status");
    this.onTold = ({ detail }) => detail.panel === this.getAttribute("panel") && this.show(detail);
    document.addEventListener("simlab:told", this.onTold);
  }

  disconnectedCallback() {
    document.removeEventListener("simlab:told", this.onTold);
  }

  show({ words, error, href }) {
    this.className = error ? "refused" : "";
    this.textContent = error ?? words ?? "";
    if (href) location.href = href;
  }
}

class ReadElement extends HTMLElement {
  connectedCallback() {
    this.onTurn = ({ detail }) => this.show(detail);
    document.addEventListener("simlab:turn", this.onTurn);
    const read = window.simlab?.reading();
    if (read?.episode != null) this.show(read);
  }

  disconnectedCallback() {
    document.removeEventListener("simlab:turn", this.onTurn);
  }

  show({ episode, turn, n_turns: n }) {
    fill(this, turn < n ? [el("b", {}, `Turn ${turn}`), ` of episode ${episode}`] : [el("b", {}, "The end"), ` of episode ${episode}`]);
  }
}

customElements.define("simlab-told", ToldElement);
customElements.define("simlab-read", ReadElement);
