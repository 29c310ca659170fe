/**
 * <simlab-standing>: where a live run stands, and what makes it pause and go on. Why a run takes no
 * commands is said here, and shuts the forms below, which have the class "needs-live". Each time it
 * has asked how the run stands, it tells others on the page by the event "simlab:standing".
 *
 * Keys, unless they are typed into a field: p pauses and goes on, s takes a step.
 */

import { el, fill } from "./dom.js";
import { answered, getJson } from "./sources.js";

const EVERY_MS = 1000;
const SURE_MS = 4000; // within which stopping is to be asked for again

class StandingElement extends HTMLElement {
  async connectedCallback() {
    this.run = new URLSearchParams(location.search).get("run") ?? "";
    this.build();
    this.onKey = (event) => this.key(event);
    this.onTurn = ({ detail }) => this.read(detail.episode);
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("simlab:turn", this.onTurn);
    this.isShown = true;
    while (this.isShown) {
      if (!document.hidden) await this.refresh();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  disconnectedCallback() {
    this.isShown = false;
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("simlab:turn", this.onTurn);
  }

  build() {
    const act = (name, title, does) => el("button", { title, "data-does": name, onclick: does }, name);
    this.state = el("p.standing-state", { role: "status" }, "Asking how the run stands …");
    this.scope = el("select", { "aria-label": "Which episodes" },
      el("option", { value: "this" }, "this episode"), el("option", { value: "all" }, "all episodes"));
    this.steps = el("input", { type: "number", min: 1, max: 10000, value: 1, "aria-label": "How many steps" });
    this.buttons = el("fieldset.transport", { disabled: true },
      act("pause", "Stand still before the next step  p", () => this.pause()),
      act("resume", "Go on  p", () => this.command("resume")),
      act("step", "Take steps, then stand still  s", () => this.step()),
      this.steps, this.scope,
      act("stop", "End the run; `simlab run … --resume` goes on with it", () => this.stop()));
    this.live = el("ul.live");
    fill(this, this.state, this.buttons, this.live);
  }

  read(episode) {
    this.episode = episode;
    if (this.told) this.draw();
  }

  async refresh() {
    try {
      this.told = await getJson("/api/control", { run: this.run });
    } catch (error) {
      this.told = { live: false, lost: true, why: inTrouble(error) };
    }
    if (!this.isShown) return;
    this.draw();
    document.dispatchEvent(new CustomEvent("simlab:standing", { detail: this.told }));
  }

  draw() {
    const { live, why, episodes = [], paused } = this.told;
    const mine = episodes.find(({ episode }) => episode === this.episode);
    const stands = mine ? mine.paused : paused;
    this.toggleAttribute("data-live", live);
    this.state.textContent = live ? inWords(this.told, this.episode, mine) : why;
    this.buttons.disabled = !live;
    this.button("pause").hidden = stands;
    this.button("resume").hidden = !stands;
    fill(this.live, episodes.slice(0, 8).map(episodeLine),
      episodes.length > 8 ? el("li.quiet", {}, `and ${episodes.length - 8} more`) : null);
    for (const form of document.querySelectorAll(".needs-live")) form.inert = !live;
  }

  button(name) {
    return this.buttons.querySelector(`[data-does=${name}]`);
  }

  pause() {
    return this.command("pause");
  }

  step() {
    return this.command("step", { n: Math.max(1, Math.round(Number(this.steps.value)) || 1) });
  }

  /** Ends the run when it is asked for twice. */
  stop() {
    const button = this.button("stop");
    if (button.classList.contains("sure")) {
      this.unsure(button);
      this.command("stop", {}, { isForAll: true });
      return;
    }
    button.classList.add("sure");
    button.textContent = "stop it now?";
    this.doubt = setTimeout(() => this.unsure(button), SURE_MS);
  }

  unsure(button) {
    clearTimeout(this.doubt);
    button.classList.remove("sure");
    button.textContent = "stop";
  }

  async command(kind, given = {}, { isForAll = false } = {}) {
    const episode = this.scope.value === "all" || this.episode == null ? "all" : this.episode;
    const body = { run: this.run, kind, arguments: isForAll ? given : { ...given, episode } };
    const headers = { "content-type": "application/json" };
    try {
      await answered(await fetch("/api/control", { method: "POST", headers, body: JSON.stringify(body) }));
      this.say({ words: DONE[kind] });
    } catch (error) {
      this.say({ error: inTrouble(error) });
    }
    await this.refresh();
  }

  say(told) {
    document.dispatchEvent(new CustomEvent("simlab:told", { detail: { panel: "steer", ...told } }));
  }

  key({ target, key, ctrlKey, metaKey, altKey }) {
    const isTyped = target.closest?.("input, select, textarea, [contenteditable], [role=listbox]");
    if (isTyped || ctrlKey || metaKey || altKey || !this.told?.live) return;
    if (key === "p") this.button(this.button("pause").hidden ? "resume" : "pause").click();
    if (key === "s") this.step();
  }
}

const DONE = {
  pause: "It stands still before its next step.",
  resume: "It goes on.",
  step: "It takes its steps.",
  stop: "The run ends; what was committed stays.",
};

/** What the server refuses, or that none is there: only an answer has a status. */
function inTrouble({ status, message }) {
  return status ? message : `Not connected: ${message}`;
}

/** How the run stands, and the episode that is read. */
function inWords({ ended, n_episodes: n, paused }, episode, mine) {
  const run = `${paused ? "Paused" : "Live"}: ${ended} of ${n} episodes have ended. `;
  if (mine) return run;
  return episode == null ? run : `${run}Episode ${episode} takes no commands now: it has ended, or has not begun.`;
}

function episodeLine({ episode, step, stands, paused, asked, acting }) {
  const who = acting.length ? `${acting.join(", ")} at it` : asked.length ? `asks ${asked.join(", ")}` : "";
  const how = stands ? "stands still" : paused ? "will stand still" : "";
  const parts = [step === null ? "between two steps" : `turn ${step}`, how, who];
  return el("li", {}, el("b", {}, `episode ${episode}`), " ", parts.filter(Boolean).join(" · "));
}

customElements.define("simlab-standing", StandingElement);
