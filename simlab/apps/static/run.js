/**
 * <simlab-run>: the transcript of the run that the address names, "?run=NAME#e=3&t=12". What is
 * read is also told by `reading`, so that forms know which turn they are about.
 */

import { chooseEpisode } from "./choosing.js";
import { ServerSource } from "./sources.js";
import { mountRun } from "./transcript.js";

class RunElement extends HTMLElement {
  async connectedCallback() {
    const name = new URLSearchParams(location.search).get("run");
    const root = this.appendChild(document.createElement("div"));
    const link = (episode, turn) => `${location.pathname}${location.search}#e=${episode}&t=${turn}`;
    this.view = await mountRun(root, new ServerSource(name ?? ""), {
      link, chooseOther: (episode) => chooseEpisode(root, name, episode),
    }); // Gradio's base is "/"
  }

  disconnectedCallback() {
    this.view?.close();
  }
}

customElements.define("simlab-run", RunElement);
