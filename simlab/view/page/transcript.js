/**
 * The transcript of a run: its episodes, the turns of one of them, and each turn down to its
 * tokens. The same module serves the app, where turns arrive as they are committed, and the page
 * that `simlab export --to html` writes.
 *
 *     import { mountRun } from "./transcript.js";
 *     import { ServerSource } from "./sources.js";
 *     const view = await mountRun(document.querySelector("#run"), new ServerSource("car_sale-0001"));
 *     view.show(3, 12);
 *
 * Keys: up and down choose a turn, Enter opens it, Esc closes, / finds, [ and ] change the episode.
 * Every turn has a link, "#e=3&t=12". What comes from a run is text, and never HTML.
 */

import { Card } from "./cards.js";
import { chooseOther, compare, seek } from "./comparing.js";
import { el, fill } from "./dom.js";
import { Finding } from "./finding.js";
import { drawHead, episodeBar, episodeLink, episodeStanding, spentButton, turnHead } from "./head.js";
import { onKey } from "./keys.js";
import { lookOf } from "./look.js";
import { OpenedTurn } from "./opened.js";
import { Rows } from "./rows.js";
import { afterRow, turnRow } from "./turn.js";
import { watch } from "./watching.js";
import { Turns } from "./window.js";

const AGAIN_MS = 1000;

class View {
  constructor(root, source, options) {
    Object.assign(this, { root, source, options, closed: false });
    this.episodes = new Map();
    this.order = [];
    this.episode = null;
    this.turn = null;
    this.query = "";
    this.cursor = "";
    this.look = lookOf(this);
    this.build();
  }

  build() {
    this.list = new Rows({ guess: 34, label: "episodes", render: (at) => this.episodeRow(at) });
    this.rows = new Rows({
      guess: 92,
      label: "turns",
      render: (at) => this.turnCell(at),
      onRange: (from, to) => this.need(from, to),
    });
    this.rows.follow = true;
    this.finding = new Finding({
      source: this.source,
      look: this.look,
      onWords: (words) => this.mark(words),
      onChoose: (episode, step) => this.show(episode, step),
    });
    this.card = new Card();
    this.opened = new OpenedTurn(this);
    this.parts = {
      title: el("div.title"), counts: el("div.counts"), legend: el("div.seats"), note: el("p.notice", { hidden: true, role: "status" }),
      bar: el("div.bar"),
      newer: el("button.newer", { hidden: true, onclick: () => this.rows.toEnd() }),
    };
    const { title, counts, legend, note, bar, newer } = this.parts;
    fill(this.root,
      el("div.simlab", { class: this.options.blind ? "simlab blind" : "simlab", onkeydown: (event) => onKey(this, event), tabindex: "-1" },
        el("header.top", {}, title, el("div.stats", {}, counts, spentButton(this)), legend, note),
        el("div.panes", {},
          el("nav.episodes", {}, el("div.nav-head", {}, this.finding.elements), this.finding.hits, this.list.element),
          el("main.reading", {}, bar, this.rows.element, newer),
          this.opened.element),
        this.card.element));
    this.rows.element.addEventListener("scroll", () => this.tellNewer());
    this.rows.element.addEventListener("click", (event) => this.clicked(event));
    this.rows.element.tabIndex = 0;
    this.onHash = () => this.follow(location.hash);
    if (this.options.useHash) addEventListener("hashchange", this.onHash);
  }

  /** Show the first turns as soon as they are there; what is left is read while they are looked at. */
  async start() {
    await this.readOverview();
    this.head();
    while (!this.closed && (await this.readBatch()) && this.episode === null);
    if (this.options.useHash && document.activeElement === document.body) this.rows.element.focus({ preventScroll: true });
    if (this.source.isLive) watch(this);
  }

  // What is new

  async readOverview() {
    this.overview = await this.source.overview();
    this.look.seats = this.overview.seats.map((seat) => seat.seat);
    this.look.colours = new Map(this.overview.seats.map((seat) => [seat.seat, seat.colour]));
    this.rows.redraw();
  }

  /** Read all that is new. */
  async readNews() {
    while (!this.closed && (await this.readBatch()));
  }

  /** Read some of what is new; whether there is more. */
  async readBatch() {
    const news = await this.source.news(this.cursor);
    this.cursor = news.cursor;
    Object.assign(this.overview, news.run);
    this.take(news.episodes);
    if (this.order.length && !this.look.seats.length) await this.readOverview(); // it has just begun
    if (this.episode === null && this.order.length) this.begin(news.more);
    return news.more;
  }

  /** Show the episode that the address names, or the first; one that is named may be yet to come. */
  begin(more) {
    const hash = this.options.useHash ? location.hash : "";
    const isNamed = new URLSearchParams(hash.slice(1)).has("e");
    if (!this.follow(hash) && !(more && isNamed)) this.show(this.order[0]);
  }

  take(rows) {
    const before = this.order;
    for (const row of rows) this.episodes.set(row.episode, row);
    if (this.episodes.size > before.length) {
      this.order = [...this.episodes.keys()].sort((a, b) => a - b);
      this.list.resize(this.order.length);
    }
    const changed = new Map(rows.map((row) => [row.episode, row]));
    this.list.renew((at) => changed.has(this.order[at]) || this.order[at] !== before[at]);
    for (const turns of [this.turns, this.others].filter((each) => each?.source === this.source)) {
      const row = changed.get(turns.episode.episode);
      if (row) this.grow(turns, row);
    }
    if (rows.length) this.drawBar();
  }

  grow(turns, row) {
    const before = turns.n;
    turns.grow(row);
    this.rows.resize(this.count());
    this.rows.redraw(before);
    this.tellNewer(before < row.n_steps && !this.rows.isAtEnd);
    if (this.pair?.step === null) seek(this, false);
  }

  close() {
    this.closed = true;
    removeEventListener("hashchange", this.onHash);
    this.root.replaceChildren();
  }

  note(words) {
    this.parts.note.hidden = !words;
    this.parts.note.textContent = words;
  }

  // The head

  head() {
    drawHead(this);
    if (this.overview.told) this.note(this.overview.told);
  }

  episodeRow(at) {
    const row = this.episodes.get(this.order[at]);
    const isRead = row.episode === this.episode;
    const onclick = (event) => {
      event.preventDefault();
      event.shiftKey && this.episode !== null ? this.compare(row.episode) : this.show(row.episode);
    };
    return episodeLink(row, { href: this.link(row.episode, 0), "aria-current": isRead ? "true" : null, onclick });
  }

  // The turns

  link(episode, turn) {
    return this.options.link ? this.options.link(episode, turn) : `#e=${episode}&t=${turn}`;
  }

  follow(hash) {
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    const episode = Number(given.get("e") ?? NaN);
    if (!this.episodes.has(episode)) return false;
    const turn = given.has("t") ? Number(given.get("t")) : null;
    if (episode !== this.episode || turn !== this.turn)
      this.show(episode, turn).then(() => given.has("open") && this.open());
    return true;
  }

  async show(episode, turn = null) {
    const row = this.episodes.get(episode);
    if (!row) throw new Error(`there is no episode ${episode}`);
    if (episode !== this.episode || this.others) {
      this.episode = episode;
      if (this.pair) this.note("");
      this.others = null;
      this.pair = null;
      this.turns = this.turnsOf(row);
      this.list.redraw();
      this.rows.resize(0);
      this.rows.redraw();
      this.rows.element.scrollTop = 0;
      this.rows.resize(this.count());
      this.opened.close();
    }
    this.list.reveal(this.order.indexOf(episode));
    this.drawBar();
    this.select(turn ?? 0, turn === null ? "near" : "middle");
  }

  turnsOf(row, source = this.source) {
    return new Turns(source, row, (from, to) => this.loaded(from, to), (error) => this.failed(error));
  }

  /** Tell why turns are missing; those still in sight are asked for again, unless they are refused. */
  failed(error) {
    this.isFailed = true;
    this.note(error.message);
    const isRefused = error.status >= 400 && error.status < 500;
    clearTimeout(this.again); // else each of many that fail at once would ask for all
    if (this.source.isLive && !isRefused) this.again = setTimeout(() => this.closed || this.rows.draw(), AGAIN_MS);
  }

  loaded(from, to) {
    if (this.isFailed) this.note("");
    this.isFailed = false;
    const focus = this.rows.element.contains(document.activeElement) && document.activeElement !== this.rows.element;
    this.rows.resize(this.count());
    this.rows.redraw(from, to);
    if (focus) this.rows.element.focus({ preventScroll: true });
    if (this.awaited !== null && this.awaited >= from && this.awaited < to) {
      this.rows.reveal(this.awaited, this.where);
      this.awaited = null;
    }
  }

  count() {
    return Math.max(this.turns?.n ?? 0, this.others?.n ?? 0) + 1;
  }

  need(from, to) {
    this.turns?.need(from, to);
    this.others?.need(from, to);
  }

  turnCell(at) {
    if (!this.turns) return el("div");
    const cells = [this.turns, this.others].filter(Boolean).map((turns) => this.cell(turns, at));
    const isFirst = this.pair?.step === at;
    return el("div.cells", { class: `cells ${this.others ? "two" : ""} ${isFirst ? "first-difference" : ""} ${at === this.turn ? "chosen" : ""}`,
      dataset: { turn: at } }, isFirst ? el("p.difference", {}, "first difference: ", this.pair.what.join(", ")) : null, cells);
  }

  cell(turns, at) {
    const turn = turns.turns.get(at);
    if (turn) return turnRow(turn, this.look);
    if (at === turns.n && turns.after) return afterRow(turns.after, turns.episode, this.look);
    return at <= turns.n ? el("article.turn.loading", { "aria-busy": "true" }, el("div.gutter", {}, el("span.step", {}, at))) : el("article.turn.none");
  }

  /** Draw what stands above the turns; its lists, which somebody may have open, only if they change. */
  drawBar(isStale = false) {
    const row = this.episodes.get(this.episode);
    if (!row) return;
    const drawn = [this.episode, this.order.length, this.others?.episode.episode, this.elsewhere?.name].join();
    if (drawn !== this.drawnBar || isStale) fill(this.parts.bar, this.barOf(row));
    this.drawnBar = drawn;
    fill(this.parts.bar.querySelector(".standing"), episodeStanding(row));
  }

  barOf(row) {
    const at = this.order.indexOf(this.episode);
    return episodeBar(row, {
      order: this.order,
      onEpisode: (episode) => (this.episodes.has(episode) ? this.show(episode) : this.drawBar(true)),
      other: this.others?.episode.episode,
      others: this.order.filter((each) => each !== this.episode).slice(0, 400),
      before: at > 0 ? () => this.move(-1) : null,
      after: at < this.order.length - 1 ? () => this.move(1) : null,
      parent: this.options.parent,
      elsewhere: this.others && this.others.source !== this.source ? this.elsewhere : null,
      choose: this.options.chooseOther ? () => chooseOther(this) : null,
      onCompare: (other) => (other === null ? this.show(this.episode, this.turn) : this.compare(other)),
    });
  }

  move(by) {
    const episode = this.order[this.order.indexOf(this.episode) + by];
    if (episode !== undefined) this.show(episode);
  }

  tellNewer(isNew = false) {
    const { newer } = this.parts;
    if (this.rows.isAtEnd) newer.hidden = true;
    else if (isNew) {
      newer.textContent = "new turns ↓";
      newer.hidden = false;
    }
  }

  /**
   * Show another episode beside this one.
   *
   * @param {number|"parent"|object} other Of this run by its number, of its parent, or of another
   *   run: `{source, episode, name}`.
   */
  compare(other) {
    return this.options.blind ? null : compare(this, other);
  }

  // One turn

  clicked(event) {
    const cell = event.target.closest(".cells");
    if (!cell || event.target.closest("summary, button")) return;
    const link = event.target.closest("a.step");
    if (link && (event.ctrlKey || event.metaKey)) return;
    if (link) event.preventDefault();
    if (getSelection()?.toString()) return;
    this.select(Number(cell.dataset.turn));
    if (!link) this.open();
  }

  select(turn, where = "near") {
    const before = this.turn;
    this.turn = Math.max(0, Math.min(turn, this.count() - 1));
    for (const at of [before, this.turn]) this.rows.node(at ?? -1)?.classList.toggle("chosen", at === this.turn);
    this.rows.reveal(this.turn, where);
    this.awaited = this.turns?.turns.has(this.turn) ? null : this.turn;
    this.where = where;
    if (this.options.useHash) history.replaceState(null, "", this.link(this.episode, this.turn));
    this.options.onTurn?.(this.episode, this.turn);
    if (this.opened.isOpen) this.open();
  }

  open() {
    return this.options.blind ? null : this.opened.show();
  }

  /** Hide what was rated, and whatever tells of which arm this is, or show it again. */
  blind(isBlind) {
    this.options.blind = isBlind;
    this.root.firstChild.classList.toggle("blind", isBlind);
    if (!isBlind) return;
    this.opened.close();
    if (this.others) this.show(this.episode, this.turn);
  }

  mark(words) {
    if (words === this.query) return;
    this.query = words;
    this.rows.redraw();
  }
}

/**
 * Show a run in an element, in the place of what is in it.
 *
 * @param {Element} root
 * @param {ServerSource|PageSource} source
 * @param {object} [options] `useHash`: keep the address at the turn that is read; `link(episode,
 *   turn)`: the address of a turn; `onTurn(episode, turn)`: told which one is read; `tools(episode,
 *   turn)`: nodes to put beside a turn that is opened; `blind`: hide what was rated; `parent`: of a
 *   branch `{source, episode}`, to be compared with; `chooseOther(episode)`: lets the reader choose
 *   an episode of another run, and promises `{source, episode, name}`, or null for none.
 * @returns {Promise<View>} With `show(episode, turn)`, `compare(episode)`, `blind(isBlind)` and
 *   `close()`.
 */
export async function mountRun(root, source, options = {}) {
  const view = new View(root, source, { useHash: true, ...options });
  try {
    await view.start();
  } catch (error) {
    view.note(error.message);
  }
  return view;
}
