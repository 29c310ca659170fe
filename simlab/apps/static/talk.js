/** <simlab-talk>: an interview, question after question, with an agent as it was at a turn. */

import { el, fill } from "./dom.js";

class TalkElement extends HTMLElement {
  connectedCallback() {
    this.setAttribute("aria-live", "polite");
    this.onTold = ({ detail }) => detail.panel === "talk" && detail.exchanges && this.show(detail);
    document.addEventListener("simlab:told", this.onTold);
  }

  disconnectedCallback() {
    document.removeEventListener("simlab:told", this.onTold);
  }

  show({ exchanges, seat, when }) {
    const said = exchanges.map(({ question, answer }) => [
      el("p.question", {}, question),
      el("p.answer", {}, el("b", {}, seat), answer || "(nothing)"),
    ]);
    fill(this, exchanges.length ? el("p.quiet", {}, when) : null, said);
    this.lastElementChild?.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("simlab-talk", TalkElement);
