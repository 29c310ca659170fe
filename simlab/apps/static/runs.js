/** <simlab-runs>: all runs, the newest first, kept up to date. */

import { el, fill, told } from "./dom.js";

const EVERY_MS = 2000;

class RunsElement extends HTMLElement {
  async connectedCallback() {
    this.isShown = true;
    this.note = this.appendChild(el("p.notice", { hidden: true, role: "status" }));
    this.list = this.appendChild(el("div.runs"));
    while (this.isShown) {
      if (!document.hidden) await this.refresh();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  disconnectedCallback() {
    this.isShown = false;
  }

  async refresh() {
    try {
      const reply = await fetch("/api/runs");
      const runs = await reply.json();
      if (!reply.ok) throw new Error(runs.error);
      this.note.hidden = true;
      fill(this.list, runs.length ? runs.map(runRow) : el("p.quiet", {}, "No runs here yet: simlab run car_sale"));
    } catch (error) {
      this.note.hidden = false;
      this.note.textContent = `Not connected: ${error.message}. Trying again.`;
    }
  }
}

function runRow(run) {
  const done = (run.n_ended ?? 0) + (run.n_failed ?? 0);
  return el("a.run", { href: `/run?run=${encodeURIComponent(run.run)}` },
    el("b", {}, run.run),
    el("span.state", { class: `state ${run.state}` }, run.state),
    el("progress", { max: run.n_episodes ?? 1, value: done, "aria-label": "episodes" }),
    el("small", {}, `${told(done)} of ${told(run.n_episodes ?? 0)} episodes`),
    el("small.quiet", {}, run.error ?? run.description ?? ""));
}

customElements.define("simlab-runs", RunsElement);
