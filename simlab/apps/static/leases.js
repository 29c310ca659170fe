/** <simlab-leases>: who sits in which seats of the run that the address names. */

import { el, fill } from "./dom.js";

const EVERY_MS = 2000;

class LeasesElement extends HTMLElement {
  async connectedCallback() {
    this.isShown = true;
    this.run = new URLSearchParams(location.search).get("run") ?? "";
    while (this.isShown) {
      if (!document.hidden && this.checkVisibility()) await this.refresh();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  disconnectedCallback() {
    this.isShown = false;
  }

  async refresh() {
    try {
      const reply = await fetch(`/api/control?${new URLSearchParams({ run: this.run })}`);
      const told = await reply.json();
      if (!reply.ok) throw new Error(told.error);
      const leases = (told.leases ?? []).map((lease) => el("li", {}, inWords(lease)));
      const none = told.live ? "Nobody has taken a seat." : "The run does not go on now; seats can be taken once it does.";
      fill(this, leases.length ? el("ul", {}, leases) : el("p", {}, none));
    } catch (error) {
      fill(this, el("p", { role: "status" }, `Not connected: ${error.message}. Trying again.`));
    }
  }
}

function inWords({ episode, seat, who, lapse, after_s: after }) {
  const gone = after === null ? "when left" : `when left, or after ${after} s without an answer`;
  const heir = { agent: "its agent plays on", default: "defaults are played", pause: "the episode pauses" }[lapse];
  return `${who} is ${seat} of episode ${episode}; ${gone}, ${heir}.`;
}

customElements.define("simlab-leases", LeasesElement);
