/**
 * What stands around Gradio's plots. <simlab-charts> keeps the charts of a run that goes on up to
 * date while somebody looks; <simlab-download plot="…" of="…"> links to a chart as CSV and PNG.
 */

import { el, fill } from "./dom.js";
import { getJson } from "./sources.js";

const EVERY_MS = 4000;

const about = new EventTarget();
const chosen = { of: "turns", episodes: "0", start: 0, by: "" };

/** Told by Gradio what is chosen whenever charts are drawn; gives it back to be sent. */
function chartsChosen([of, episodes, start, by]) {
  Object.assign(chosen, { of, episodes, start: start ?? 0, by });
  about.dispatchEvent(new Event("chosen"));
  return [of, episodes, start, by];
}

window.simlab = { ...window.simlab, chartsChosen };

/** What the page is of: a run, or a training. */
function subject() {
  const given = new URLSearchParams(location.search);
  return given.has("training") ? { training: given.get("training") } : { run: given.get("run") ?? "" };
}

class ChartsElement extends HTMLElement {
  async connectedCallback() {
    this.isShown = true;
    this.seen = null;
    while (this.isShown) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      if (this.isShown && !document.hidden && this.offsetParent) await this.look();
    }
  }

  disconnectedCallback() {
    this.isShown = false;
  }

  /** Have the charts drawn anew if there is anything new to draw. */
  async look() {
    const told = await getJson("/api/progress", subject()).catch(() => null);
    if (!told) return; // the transcript says that nothing answers
    const { version, n_steps: n, state, load } = told;
    const now = `${version} ${n} ${state}`;
    const isPart = chosen.of === "load" && load !== null && load < 1;
    if ((this.seen !== null && now !== this.seen) || isPart)
      document.querySelector("#charts-refresh")?.click();
    this.seen = now;
  }
}

class DownloadElement extends HTMLElement {
  connectedCallback() {
    this.onChosen = () => this.draw();
    about.addEventListener("chosen", this.onChosen);
    this.draw();
  }

  disconnectedCallback() {
    about.removeEventListener("chosen", this.onChosen);
  }

  draw() {
    const [of, plot] = [this.getAttribute("of"), this.getAttribute("plot")];
    const { episodes, start, by } = chosen;
    const table = { ...subject(), of, ...(of === "turns" ? { episodes, start } : {}) };
    const drawn = { ...table, plot, ...(of === "episodes" ? { by } : {}) };
    fill(this,
      el("a", { href: `/api/series.csv?${new URLSearchParams(table)}`, download: `${of}.csv` }, "CSV"),
      el("a", { href: `/api/series.png?${new URLSearchParams(drawn)}`, download: `${plot}.png` }, "PNG"));
  }
}

customElements.define("simlab-charts", ChartsElement);
customElements.define("simlab-download", DownloadElement);
