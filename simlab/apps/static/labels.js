/**
 * <simlab-blind>: the switch that hides what was rated, and which arm this is.
 * <simlab-labels>: what people have said of this run so far, and how far they agree with the judges; if
 * that is hidden, what whoever reads has said alone. Digits rate while the panel around it has the focus.
 */

import { el, fill, told } from "./dom.js";
import { getJson } from "./sources.js";

const BLIND = "simlab-blind";
const WHO = "simlab-who"; // where the form of labels keeps the reader's name
const MOST = 200; // labels that are listed

const isBlind = () => localStorage.getItem(BLIND) === "yes";
const reader = () => (localStorage.getItem(WHO) ?? "").trim();

class BlindElement extends HTMLElement {
  connectedCallback() {
    this.switch = el("input", { type: "checkbox", checked: isBlind(), onchange: () => this.turn() });
    fill(this, el("label.blind-switch", {}, this.switch,
      " Blind: hide ratings, scores, and which run this is"));
  }

  turn() {
    localStorage.setItem(BLIND, this.switch.checked ? "yes" : "no");
    document.querySelector("simlab-run")?.blind(this.switch.checked);
    document.querySelector("simlab-labels")?.draw();
  }
}

class LabelsElement extends HTMLElement {
  connectedCallback() {
    this.run = new URLSearchParams(location.search).get("run") ?? "";
    this.list = this.appendChild(el("div.label-list"));
    this.panel = this.closest("#label-panel");
    this.onKey = (event) => this.key(event);
    this.onTold = ({ detail }) => detail.panel === "label" && detail.words && this.refresh();
    this.panel.addEventListener("keydown", this.onKey);
    document.addEventListener("simlab:told", this.onTold);
    this.refresh();
  }

  disconnectedCallback() {
    this.panel.removeEventListener("keydown", this.onKey);
    document.removeEventListener("simlab:told", this.onTold);
  }

  async refresh() {
    try {
      this.found = await getJson("/api/labels", { run: this.run });
      this.draw();
    } catch (error) {
      fill(this.list, el("p.refused", {}, error.message));
    }
  }

  draw() {
    if (!this.found) return;
    const { compared } = this.found;
    const labels = this.found.labels.filter(({ who }) => !isBlind() || who === reader());
    const latest = [...labels].reverse().slice(0, MOST);
    fill(this.list,
      isBlind() ? null : agreement(compared),
      el("h4", {}, labels.length ? `Labels so far: ${told(labels.length)}` : "No labels yet"),
      latest.map((label) => labelLine(label)));
  }

  key({ target, key, ctrlKey, metaKey, altKey }) {
    const isTyped = target.closest("textarea, input:not([type=radio], [type=checkbox])");
    if (isTyped || ctrlKey || metaKey || altKey || !/^[1-9]$/.test(key)) return;
    this.panel.querySelector(`#label-rating input[value="${key}"]`)?.click();
  }
}

/** How far people agree with the judges, and with each other. */
function agreement({ judges, people, n_labels: n }) {
  if (!n) return null;
  return el("table.agreement", {},
    el("caption", {}, "Agreement of people with judges"),
    el("thead", {}, el("tr", {}, ["", "pairs", "ρ", "α"].map((name) => el("th", {}, name)))),
    el("tbody", {}, judges.map((judge) =>
      el("tr", {}, el("th", {}, judge.judge), [judge.n, judge.spearman, judge.alpha].map((value) => el("td", {}, told(value))))),
      el("tr", {}, el("th", {}, "each other"), el("td"), el("td"), el("td", {}, told(people)))));
}

function labelLine({ who, episode, step, seat, rating, tags, note, blind }) {
  const what = step === null ? "whole" : `${step}`;
  return el("p.label", {},
    el("a", { href: `${location.pathname}${location.search}#e=${episode}&t=${step ?? 0}` }, `${episode} · ${what}`),
    el("b", {}, rating === null ? "" : told(rating)),
    el("span", {}, [seat, tags.join(", "), note].filter(Boolean).join(" · ")),
    el("small", {}, who, blind ? ", blind" : ""));
}

customElements.define("simlab-blind", BlindElement);
customElements.define("simlab-labels", LabelsElement);
