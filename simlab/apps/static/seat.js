/**
 * The page of a seat. <simlab-seat>: who it is, and all that it has perceived and done.
 * <simlab-turn>: whether it is asked, what, until when, and why an answer was not taken.
 */

import { el, fill, rich } from "./dom.js";
import { followForm } from "./seat_form.js";
import { seat } from "./seat_state.js";

const STATES = {
  connecting: ["Coming in", "The run is being reached."],
  waiting: ["Waiting", "You will be asked when it is your turn."],
  turn: ["Your turn", ""],
  refused: ["Not seated", ""],
  away: ["Nobody listens", "The run does not go on now. This page goes on with it once it is resumed."],
  late: ["Too late", ""],
  left: ["Left", ""],
  ended: ["Ended", "The episode is over."],
};

const ENDS = { terminated: "Your part is over.", truncated: "Your part was cut off by a limit." };

class SeatElement extends HTMLElement {
  connectedCallback() {
    this.classList.add("simlab");
    this.head = this.appendChild(el("header.seat-head"));
    this.list = this.appendChild(el("div.seat-list", { tabindex: 0, role: "log", "aria-label": "what you perceived" }));
    this.shown = [];
    this.listener = (state) => this.show(state);
    seat.listen(this.listener);
  }

  disconnectedCallback() {
    seat.forget(this.listener);
  }

  show({ told, seen }) {
    if (!told) return;
    fill(this.head,
      el("h1.seat-name", {}, told.model ? `Model ${told.model}` : told.seat),
      el("p.quiet", {}, `${told.who} in ${told.run}${told.model ? "" : `, episode ${told.episode}`}`));
    document.title = `${told.state === "turn" ? "• " : ""}${told.model || told.seat} – SimLab`;
    const things = told.model ? told.question?.chat ?? this.shown : seen;
    if (things === this.shown || (things.length === this.shown.length && !told.model)) return;
    const kept = told.model ? 0 : this.shown.length;
    if (!kept) fill(this.list);
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 80;
    this.list.append(...things.slice(kept).map((thing) => line(thing, told)));
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
    this.shown = [...things];
  }
}

/** One thing that was perceived, said or done. */
function line(thing, told) {
  const style = { "--seat": thing.colour };
  const images = (thing.images ?? []).map(rich);
  const words = thing.text || !images.length ? el("div.words", {}, thing.text) : null;
  if (thing.kind === "end") return el("p.heard.quiet", {}, ENDS[thing.text] ?? thing.text);
  if (!thing.by) return el("div", { class: `heard ${thing.kind}`, style }, el("span.text", {}, thing.text), images);
  const mine = thing.by === told.seat;
  const mark = thing.late ? el("span.mark", {}, "late") : thing.edited ? el("span.mark", {}, "edited") : null;
  return el("div", { class: mine ? "act mine" : "act", style },
    el("header", {}, el("span.seat", {}, mine ? `${thing.by} (you)` : thing.by), mark), words, images);
}

class TurnElement extends HTMLElement {
  connectedCallback() {
    this.classList.add("simlab");
    this.listener = (state) => this.show(state);
    seat.listen(this.listener);
    this.ticking = setInterval(() => this.tick(), 250);
  }

  disconnectedCallback() {
    clearInterval(this.ticking);
    seat.forget(this.listener);
  }

  show({ told, trouble }) {
    const [title, usual] = STATES[told?.state] ?? STATES.connecting;
    const question = told?.state === "turn" ? told.question : null;
    this.clock = el("span.clock", { role: "timer", hidden: true });
    fill(this,
      el("div.turn-head", {},
        el("span", { class: `state is-${told?.state}`, role: "status" }, trouble ? "Not connected" : title),
        this.clock,
        told?.n_waiting ? el("small", {}, `${told.n_waiting} more wait`) : null),
      trouble ? el("p", { role: "alert" }, `${trouble}. Trying again.`) : null,
      question?.prompt ? el("p.prompt", {}, question.prompt) : null,
      question?.begun ? el("p.quiet", {}, "The reply begins so; give the rest: ", el("code", {}, question.begun)) : null,
      question?.refusal ? el("p.refusal", { role: "alert" }, `Not taken: ${question.refusal}`) : null,
      question ? null : el("p.quiet", {}, told?.why || usual),
      ["late", "left"].includes(told?.state)
        ? el("button", { type: "button", onclick: () => location.reload() }, "Take the seat again") : null);
    this.tick();
  }

  tick() {
    const left = seat.told?.state === "turn" && seat.dueMs ? (seat.dueMs - performance.now()) / 1000 : null;
    if (!this.clock || left === null) return;
    this.clock.hidden = false;
    this.clock.classList.toggle("soon", left < 10);
    this.clock.textContent = left > 0 ? `${clockTime(left)} left` : "late";
  }
}

function clockTime(seconds) {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

customElements.define("simlab-seat", SeatElement);
customElements.define("simlab-turn", TurnElement);
followForm();
