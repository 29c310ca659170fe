/**
 * <simlab-run>: the transcript of the run that the address names, "?run=NAME#e=3&t=12", a branch
 * beside its parent. Which turn is read is told to the forms around it, by the event "simlab:turn"
 * of the document, and by `simlab.reading()`, through which Gradio's events ask for it.
 */

import { chooseEpisode } from "./choosing.js";
import { el } from "./dom.js";
import { ServerSource } from "./sources.js";
import { mountRun } from "./transcript.js";

const LOWEST = 420; // pixels

class RunElement extends HTMLElement {
  async connectedCallback() {
    this.run = new URLSearchParams(location.search).get("run") ?? "";
    const [isBegun, here] = [Boolean(location.hash), location.pathname + location.search];
    const link = (episode, turn) => `${here}#e=${episode}&t=${turn}`; // Gradio's pages have a <base>
    const root = this.appendChild(el("div"));
    this.fit();
    this.onFit = () => this.fit();
    addEventListener("resize", this.onFit);
    const source = new ServerSource(this.run);
    const parent = await parentOf(source);
    const blind = localStorage.getItem("simlab-blind") === "yes"; // see labels.js
    this.view = await mountRun(root, source, {
      parent, link, blind, onTurn: () => this.tell(),
      chooseOther: (episode) => chooseEpisode(root, this.run, episode),
    });
    if (!this.view.overview) root.before(el("p.lost", {}, el("a", { href: "/" }, "All runs")));
    this.blind(blind);
    this.fit();
    this.waitsForParent = Boolean(parent) && !isBegun;
    this.tell();
  }

  disconnectedCallback() {
    removeEventListener("resize", this.onFit);
    this.view?.close();
  }

  /** As high as what the window has left: nothing but the turns is scrolled. */
  fit() {
    const { top } = this.getBoundingClientRect();
    this.style.setProperty("--height", `${Math.max(LOWEST, innerHeight - top - scrollY)}px`);
  }

  /** Hide what was rated, in the charts too, or show it again. */
  blind(isBlind) {
    document.documentElement.classList.toggle("simlab-blind", isBlind);
    this.view?.blind(isBlind);
    this.tell(); // a parent waits until it may be seen
  }

  reading() {
    const { episode = null, turn = null, turns, options, overview } = this.view ?? {};
    const models = Object.keys(overview?.models ?? {});
    const seats = (overview?.seats ?? []).map(({ seat }) => seat);
    const asked = Object.keys((turns?.turns.get(turn) ?? turns?.after)?.asked ?? {});
    return { run: this.run, episode, turn, n_turns: turns?.n ?? 0, blind: Boolean(options?.blind), seats, asked, models };
  }

  tell() {
    if (!this.view || this.view.episode === null) return;
    document.dispatchEvent(new CustomEvent("simlab:turn", { detail: this.reading() }));
    if (!this.waitsForParent || this.view.options.blind) return;
    this.waitsForParent = false;
    this.view.compare("parent");
  }
}

/** Of a branch whose parent is listed, where its transcript is compared with. */
async function parentOf(source) {
  const found = await source.parent().catch(() => null); // the transcript tells what is wrong
  return found?.run ? { source: new ServerSource(found.run), episode: found.episode } : null;
}

customElements.define("simlab-run", RunElement);

const reading = () => document.querySelector("simlab-run")?.reading() ?? null;

/** What Gradio's events reach by their `js`: what is read, at once or once there is something. */
Object.assign((window.simlab ??= {}), {
  reading,
  opened: async () => {
    if (reading()?.episode == null)
      await new Promise((resolve) => document.addEventListener("simlab:turn", resolve, { once: true }));
    return reading();
  },
  tell: (panel, told) =>
    document.dispatchEvent(new CustomEvent("simlab:told", { detail: { panel, ...told } })),
});
