/**
 * The page of a training, "?training=NAME", or of a sweep, "?sweep=NAME". <simlab-training>: what is
 * trained and the table of its rounds, or the table of trials; <simlab-plots>: the figures that the
 * training itself has drawn.
 */

import { asText, el, fill, told } from "./dom.js";
import { stateMark } from "./lines.js";
import { getJson } from "./sources.js";

const EVERY_MS = 3000;
const INTERVALS = {
  rating: "rating", harm: "harm", veto_rate: "vetoed", kl: "KL", rating_gap: "rating gap", harm_gap: "harm gap",
};

const trainingName = () => new URLSearchParams(location.search).get("training");

class TrainingElement extends HTMLElement {
  async connectedCallback() {
    this.isShown = true;
    this.className = "simlab sheet";
    this.told = "";
    while (this.isShown) {
      if (!document.hidden) await this.refresh();
      if (this.state === "finished") return;
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  disconnectedCallback() {
    this.isShown = false;
  }

  async refresh() {
    try {
      const ofSweep = new URLSearchParams(location.search).get("sweep");
      const found = ofSweep ? await getJson("/api/sweep", { sweep: ofSweep })
        : await getJson("/api/training", { training: trainingName() ?? "" });
      this.state = found.state;
      const now = JSON.stringify(found);
      if (now === this.told) return;
      const isFirst = this.told === "";
      this.told = now;
      document.body.classList.toggle("of-sweep", Boolean(ofSweep));
      fill(this, ofSweep ? sweep(found) : training(found));
      if (!ofSweep && !isFirst) document.querySelector("#charts-refresh")?.click();
      TrainingElement.found = found;
      dispatchEvent(new CustomEvent("simlab-training", { detail: found }));
    } catch (error) {
      this.told = "";
      fill(this, el("p.notice", { role: "status" }, `${error.message}`));
    }
  }
}

function head(found, kind, counts) {
  return el("header.sheet-head", {},
    el("h1", {}, found.name), el("span.kind", {}, kind), stateMark(found.state),
    el("span.quiet", {}, counts), el("p.quiet", {}, found.description), el("small.quiet", {}, found.path));
}

function training(found) {
  const runs = new Map();
  for (const each of found.runs) runs.set(each.round, [...(runs.get(each.round) ?? []), each]);
  const numbers = new Set([...found.rounds.map((row) => row.round), ...runs.keys()]);
  const rows = new Map(found.rounds.map((row) => [row.round, row]));
  const shown = Object.keys(INTERVALS).filter((name) => found.rounds.some((row) => row[name]));
  return [
    head(found, "training", `${told(found.n_rounds)} of ${told(found.of_rounds)} rounds`),
    el("div.table-room", { tabindex: "0", role: "region", "aria-label": "rounds" },
      el("table", {},
        el("caption", {}, "Rounds, on states that are held out; in brackets 95 % intervals by initial state"),
        el("thead", {}, el("tr", {},
          ["round", "verdict", "runs", ...shown.map((name) => INTERVALS[name]), "episodes", "learnt from", "tokens"]
            .map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, [...numbers].sort((a, b) => a - b).map((number) =>
          roundRow(number, rows.get(number), runs.get(number) ?? [], shown))))),
    Object.entries(found.unreadable).map(([path, error]) => el("p.failure", {}, `${path}: ${error}`)),
    el("details", {}, el("summary", {}, "what is trained"), el("pre", {}, asText(found.training))),
  ];
}

function roundRow(number, row, runs, shown) {
  return el("tr", { class: row?.verdict === "published" ? "published" : null },
    el("th", { scope: "row" }, number), el("td", {}, row?.verdict ?? "under way"),
    el("td", {}, runs.map(({ run, phase }) => [
      run ? el("a", { href: `/run?run=${encodeURIComponent(run)}` }, phase) : phase, " "])),
    shown.map((name) => el("td.number", {}, interval(row?.[name]))),
    el("td.number", {}, row ? told(row.n) : "", row?.n_failed ? el("b.failure", {}, ` ${row.n_failed} failed`) : null),
    el("td.number", {}, row?.n_samples ? told(row.n_samples) : ""),
    el("td.number", {}, row?.n_tokens ? told(row.n_tokens) : ""));
}

function interval(value) {
  if (typeof value?.mean !== "number") return "–";
  const ends = [value.low, value.high].map((end) => (typeof end === "number" ? told(end) : "?"));
  return [el("b", {}, told(value.mean)), el("small", {}, ` [${ends.join(", ")}]`)];
}

function sweep(found) {
  const keys = Object.keys(found.space ?? {});
  const rounds = [...new Set(found.trials.flatMap((trial) => Object.keys(trial.values)))].sort((a, b) => a - b);
  const over = found.trials.filter((trial) => ["ended", "stopped", "failed"].includes(trial.state));
  const page = ({ run, training: of, number }) => {
    const name = of ?? run;
    return name ? el("a", { href: `/${of ? "training?training" : "run?run"}=${encodeURIComponent(name)}` }, number) : number;
  };
  return [
    head(found, "sweep", `${over.length} of ${found.trials.length} trials · ${found.metric}, ${found.mode} is best`),
    el("div.table-room", { tabindex: "0", role: "region", "aria-label": "trials" },
      el("table", {},
        el("thead", {}, el("tr", {}, ["trial", ...keys, "state", ...rounds.map((round) => `round ${round}`)]
          .map((each) => el("th", { scope: "col" }, each)))),
        el("tbody", {}, found.trials.map((trial) =>
          el("tr", { class: trial.number === found.best ? "published" : null },
            el("th", { scope: "row" }, page(trial),
               trial.number === found.best ? " best" : ""),
            keys.map((key) => el("td", {}, asText(trial.point[key] ?? ""))),
            el("td", { title: trial.why || null }, trial.state, trial.why ? el("p.failure", {}, trial.why) : null),
            rounds.map((round) => el("td.number", {}, round in trial.values ? told(trial.values[round]) : ""))))))),
  ];
}

class PlotsElement extends HTMLElement {
  connectedCallback() {
    this.onTold = ({ detail }) => this.draw(detail);
    addEventListener("simlab-training", this.onTold);
    if (TrainingElement.found) this.draw(TrainingElement.found);
  }

  disconnectedCallback() {
    removeEventListener("simlab-training", this.onTold);
  }

  draw({ plots, n_rounds: n }) {
    const query = (name) => new URLSearchParams({ training: trainingName(), name, after: n });
    this.className = "simlab sheet";
    fill(this, plots?.length
      ? el("details", {}, el("summary", {}, `figures that the training has drawn (${plots.length})`),
          el("div.figures", {}, plots.map((name) =>
            el("a", { href: `/api/plot?${query(name)}`, title: `open ${name}` },
              el("img", { src: `/api/plot?${query(name)}`, alt: name.replace(".png", "").replaceAll("_", " "), loading: "lazy" })))))
      : null);
  }
}

customElements.define("simlab-training", TrainingElement);
customElements.define("simlab-plots", PlotsElement);
