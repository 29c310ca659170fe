/** <simlab-runs>: all runs, trainings and sweeps, the newest first, kept up to date. */

import { el, fill, told } from "./dom.js";
import { headLine, runLine } from "./lines.js";
import { entriesOf, SORTS, STATES } from "./order.js";
import { Rows } from "./rows.js";
import { answered } from "./sources.js";

const EVERY_MS = 2000;
const OPENED = "simlab-open"; // groups that were opened or closed, as long as the tab is there

class RunsElement extends HTMLElement {
  async connectedCallback() {
    this.isShown = true;
    this.found = { runs: [], trainings: [], sweeps: [], elsewhere: [] };
    this.wanted = { text: "", state: "", sort: "newest" };
    this.opened = new Map(JSON.parse(sessionStorage.getItem(OPENED) ?? "[]"));
    this.tags = {};
    this.entries = [];
    this.build();
    while (this.isShown) {
      const began = Date.now();
      if (!document.hidden) await this.refresh();
      const isPart = this.found.runs.some((run) => run.state === "unread");
      const pause = isPart ? 50 : Math.max(EVERY_MS, 10 * (Date.now() - began));
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  disconnectedCallback() {
    this.isShown = false;
  }

  build() {
    const change = (name) => ({ target }) => this.want({ [name]: target.value });
    this.list = new Rows({ guess: 58, label: "runs", render: (at) => this.line(at) });
    this.note = el("p.notice", { hidden: true, role: "status" });
    this.count = el("small.quiet", { role: "status" });
    this.empty = el("div.empty", { hidden: true });
    this.textField = el("input", { type: "search", placeholder: "Filter runs", "aria-label": "Filter runs by words", oninput: change("text") });
    this.className = "simlab";
    fill(this,
      el("div.list-head", {},
        el("h1", {}, "Runs"), this.count, this.textField,
        el("select", { "aria-label": "State", onchange: change("state") },
          el("option", { value: "" }, "any state"),
          Object.keys(STATES).filter((state) => state !== "unread").map((state) =>
            el("option", { value: state }, `${STATES[state]} ${state}`))),
        el("select", { "aria-label": "Order", onchange: change("sort") },
          Object.entries(SORTS).map(([name, [words]]) => el("option", { value: name }, words)))),
      this.note, this.empty, this.list.element);
  }

  want(changed) {
    Object.assign(this.wanted, changed);
    this.list.element.scrollTop = 0;
    this.draw();
  }

  async refresh() {
    try {
      const runs = await this.get("runs");
      const isPart = runs?.some((run) => run.state === "unread");
      const studies = isPart ? null : await this.get("trainings"); // one after the other: both take the list
      if (this.note.textContent.startsWith("Not connected")) this.tellTrouble(this.found.trouble);
      if (!runs && !studies) return;
      if (runs) this.found.runs = runs;
      if (studies) Object.assign(this.found, studies);
      this.tellTrouble(this.found.trouble);
      this.draw();
    } catch (error) {
      this.tellTrouble(`Not connected: ${error.message}. Trying again.`);
    }
  }

  tellTrouble(words = "") {
    this.note.hidden = !words;
    this.note.textContent = words;
  }

  /** What the server tells, or null where it is what was told before. */
  async get(what) {
    const headers = this.tags[what] ? { "if-none-match": this.tags[what] } : {};
    const reply = await fetch(`/api/${what}`, { headers, cache: "no-store" });
    if (reply.status === 304) return null;
    const body = await answered(reply);
    this.tags[what] = reply.headers.get("etag");
    return body;
  }

  draw() {
    const before = this.entries.map((entry) => JSON.stringify(entry));
    const isOpen = (key, usual) => this.opened.get(key) ?? usual;
    this.names = new Map(this.found.runs.map((run) => [run.path, run.run]));
    this.entries = entriesOf(this.found, this.wanted, isOpen);
    const focused = document.activeElement?.dataset?.key;
    this.list.resize(this.entries.length);
    for (const at of [...this.list.shown.keys()])
      if (JSON.stringify(this.entries[at]) !== before[at]) this.list.redraw(at, at + 1);
    if (focused && document.activeElement?.dataset?.key !== focused)
      this.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    this.tell();
  }

  tell() {
    const { runs, trainings, sweeps } = this.found;
    const live = runs.filter((run) => run.state === "running").length;
    const unread = runs.filter((run) => run.state === "unread").length;
    this.count.textContent = [
      counted(runs.length, "run") ?? "no runs", live ? `${live} live` : null,
      counted(trainings.length, "training"), counted(sweeps.length, "sweep"),
      unread ? `reading ${told(unread)} more …` : null,
    ].filter(Boolean).join(" · ");
    const isNone = !runs.length && !trainings.length && !sweeps.length;
    this.empty.hidden = this.entries.length > 0;
    fill(this.empty, isNone
      ? [el("h2", {}, "No runs here yet"), el("p", {}, "Make one in another terminal, and it appears here as it begins:"),
         el("pre", {}, "simlab run car_sale --model all=scripted")]
      : el("p.quiet", {}, "No run fits the filter."));
  }

  line(at) {
    const entry = this.entries[at];
    if (entry.run) return runLine(entry, this.names);
    return headLine(entry, (key, open) => {
      this.opened.set(key, open);
      sessionStorage.setItem(OPENED, JSON.stringify([...this.opened].slice(-500)));
      this.draw();
    });
  }
}

const counted = (n, what) => (n ? `${told(n)} ${what}${n === 1 ? "" : "s"}` : null);

customElements.define("simlab-runs", RunsElement);
