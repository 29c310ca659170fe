/** Cards: who sits in a seat, and what a run has spent; they stand over the page until put away. */

import { asText, duration, el, fill, told } from "./dom.js";

const SPENT = [
  ["calls", "calls"], ["prompt_tokens", "read"], ["cached_tokens", "cached"], ["completion_tokens", "drawn"],
  ["model_s", "in models"], ["queue_s", "waiting"], ["dollars", "dollars"],
];

/** The place of one card at a time. */
export class Card {
  constructor() {
    this.element = el("div.card", { popover: "", role: "dialog" });
  }

  show(title, ...children) {
    const close = el("button", { "aria-label": "Put away", onclick: () => this.element.hidePopover() }, "✕");
    this.element.setAttribute("aria-label", title);
    fill(this.element, el("header", {}, el("h3", {}, title), close), children);
    this.element.showPopover();
    close.focus();
  }
}

/** Who sits in a seat. */
export function seatFacts({ agent, model, persona, goal }) {
  const facts = Object.entries({ agent, model, persona, goal }).filter(([, value]) => value !== null && value !== "");
  return el("dl", {}, facts.map(([name, value]) => [el("dt", {}, name), el("dd", {}, asText(value))]));
}

/** What each model and each actor has spent, and what was run with which versions. */
export function spentFacts({ accounts, versions, git, config }) {
  return [
    spentTable("Model", accounts.model),
    spentTable("Seat or judge", accounts.actor),
    details("Versions", versions && { ...versions, ...(git ? { git } : {}) }),
    details("Run file", config),
  ];
}

function spentTable(what, rows) {
  if (!rows.length) return el("p.quiet", {}, "Nothing is accounted for until an episode has ended.");
  const columns = SPENT.filter(([name]) => rows.some((row) => row[name]));
  return el("div.wide", {}, el("table", {},
    el("thead", {}, el("tr", {}, el("th", {}, what), columns.map(([, words]) => el("th", {}, words)))),
    el("tbody", {}, rows.map((row) =>
      el("tr", {}, el("th", {}, row.name), columns.map(([name]) => el("td", {}, (name.endsWith("_s") ? duration : told)(row[name]))))))));
}

function details(name, value) {
  return value ? el("details", {}, el("summary", {}, name), el("pre", {}, asText(value))) : null;
}
