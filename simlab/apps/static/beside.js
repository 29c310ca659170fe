/**
 * <simlab-side-by-side>: one initial state of a training across its rounds: the same turn of each
 * round's episode stands in one row, so that they are scrolled in step.
 */

import { el, fill, told } from "./dom.js";
import { colourOf } from "./look.js";
import { Rows } from "./rows.js";
import { getJson, ServerSource } from "./sources.js";
import { afterRow, seatName, turnRow } from "./turn.js";

const TURNS = 200; // of each episode; what comes later stands on the run's own page

class SideBySideElement extends HTMLElement {
  async connectedCallback() {
    this.training = new URLSearchParams(location.search).get("training");
    this.className = "simlab beside";
    if (!this.training) return;
    this.chosen = { start: 0, phase: "evaluate", rollout: 0 };
    this.bar = el("div.list-head");
    this.note = el("p.notice", { hidden: true, role: "status" });
    this.heads = el("div.beside-row.heads");
    this.rows = new Rows({ guess: 120, label: "turns", render: (at) => this.row(at) });
    this.columns = [];
    this.rows.element.addEventListener("scroll", () => {
      this.heads.scrollLeft = this.rows.element.scrollLeft;
    });
    fill(this, this.bar, this.note, this.heads, this.rows.element);
    await this.attempt(async () => {
      this.starts = await this.get("states");
      if (!this.starts.length) throw new Error("no episode of this training has begun yet");
      const most = Math.max(...this.starts.map(({ rounds }) => rounds.length));
      this.chosen.start = this.starts.findIndex(({ rounds }) => rounds.length === most);
      await this.read();
    });
  }

  async attempt(work) {
    try {
      await work();
      this.note.hidden = true;
    } catch (error) {
      this.note.textContent = error.message;
      this.note.hidden = false;
    }
  }

  get(path, query = {}) {
    return getJson(`/api/${path}`, { training: this.training, ...query });
  }

  /** Read the episodes of the state that is chosen, and the turns of those that are shown. */
  async read() {
    const { environment, state } = this.starts[this.chosen.start];
    this.episodes = await this.get("side_by_side", { environment, state });
    const phases = [...new Set(this.episodes.map((each) => each.phase))];
    if (!phases.includes(this.chosen.phase)) this.chosen.phase = phases[0];
    await this.show(phases);
  }

  async show(phases) {
    const rounds = new Map();
    for (const each of this.episodes.filter(({ phase }) => phase === this.chosen.phase))
      rounds.set(each.round, [...(rounds.get(each.round) ?? []), each]);
    this.most = Math.max(0, ...[...rounds.values()].map((rollouts) => rollouts.length));
    this.chosen.rollout = Math.min(this.chosen.rollout, Math.max(0, this.most - 1));
    const shown = [...rounds.values()].map((rollouts) => rollouts[this.chosen.rollout]).filter(Boolean);
    this.drawBar(phases);
    this.columns = await Promise.all(shown.map(async (episode) =>
      ({ ...episode, ...(await new ServerSource(episode.run).turns(episode.episode, 0, TURNS)) })));
    this.draw();
  }

  drawBar(phases) {
    const choose = (name, value, again) => {
      this.chosen[name] = value;
      this.attempt(() => (again ? this.read() : this.show(phases)));
    };
    const select = (label, name, values, words, again = false) =>
      el("label", {}, label, " ", el("select", { name, onchange: ({ target }) => choose(name, values[target.selectedIndex], again) },
        values.map((value) => el("option", { selected: value === this.chosen[name] }, words(value)))));
    const counted = [...Array(this.most).keys()];
    fill(this.bar,
      select("Initial state", "start", [...this.starts.keys()], (at) =>
        `${this.starts[at].environment} ${this.starts[at].state} · ${this.starts[at].rounds.length} rounds`, true),
      select("played to", "phase", phases, (phase) => ({ collect: "learn from", evaluate: "compare" })[phase] ?? phase),
      this.most > 1 ? select("rollout", "rollout", counted, (at) => `${at + 1} of ${this.most}`) : null);
  }

  draw() {
    this.style.setProperty("--columns", this.columns.length);
    fill(this.heads, this.columns.map((column) =>
      el("div", {},
        el("b", {}, `Round ${column.round}`), " ",
        el("a", { href: `/run?run=${encodeURIComponent(column.run)}#e=${column.episode}&t=0` }, `episode ${column.episode}`),
        el("small", {}, Object.entries(column.ratings ?? {}).map(([seat, mean]) =>
          [" · ", seat, " ", el("b", {}, told(mean))])))));
    this.rows.resize(0);
    this.rows.redraw();
    this.rows.resize(Math.max(0, ...this.columns.map((column) => column.turns.length)) + 1);
  }

  row(at) {
    return el("div.beside-row", {}, this.columns.map((column) => el("div", {}, this.cell(column, at))));
  }

  cell(column, at) {
    const seats = [...new Set(column.turns.flatMap((turn) => turn.acts.map((act) => act.seat)))];
    const look = {
      seats, colour: colourOf, marked: (text) => text, seatName: (seat) => seatName(look, seat),
      link: (turn) => `/run?run=${encodeURIComponent(column.run)}#e=${column.episode}&t=${turn}`,
    };
    if (at < column.turns.length) return turnRow(column.turns[at], look);
    if (at > column.turns.length) return null;
    return column.after ? afterRow(column.after, column.row, look) : el("a", { href: look.link(at) }, "more on the page of the run");
  }
}

customElements.define("simlab-side-by-side", SideBySideElement);
