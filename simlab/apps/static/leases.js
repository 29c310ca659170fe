/** <simlab-leases>: who sits in which seats of the run, as <simlab-standing> hears it. */

import { el, fill } from "./dom.js";

class LeasesElement extends HTMLElement {
  connectedCallback() {
    this.onStanding = ({ detail }) => this.show(detail);
    document.addEventListener("simlab:standing", this.onStanding);
    const { told } = document.querySelector("simlab-standing") ?? {};
    if (told) this.show(told);
  }

  disconnectedCallback() {
    document.removeEventListener("simlab:standing", this.onStanding);
  }

  show({ live, lost, why, leases = [] }) {
    const none = live ? "Nobody has taken a seat." : "The run does not go on now; seats can be taken once it does.";
    const words = lost ? el("p", { role: "status" }, `${why}. Trying again.`) : el("p", {}, none);
    fill(this, leases.length ? el("ul", {}, leases.map((lease) => el("li", {}, inWords(lease)))) : words);
  }
}

function inWords({ episode, seat, who, lapse, after_s: after }) {
  const gone = after === null ? "when left" : `when left, or after ${after} s without an answer`;
  const heir = { agent: "its agent plays on", default: "defaults are played", pause: "the episode pauses" }[lapse];
  return `${who} is ${seat} of episode ${episode}; ${gone}, ${heir}.`;
}

customElements.define("simlab-leases", LeasesElement);
