/**
 * <simlab-run>: the transcript of the run that the address names, "?run=NAME#e=3&t=12". What is
 * read is also told by `reading`, so that forms know which turn they are about.
 */

import { ServerSource } from "./sources.js";
import { mountRun } from "./transcript.js";

class RunElement extends HTMLElement {
  async connectedCallback() {
    const name = new URLSearchParams(location.search).get("run");
    const root = this.appendChild(document.createElement("div"));
    this.view = await mountRun(root, new ServerSource(name ?? ""), {});
  }

  disconnectedCallback() {
    this.view?.close();
  }
}

customElements.define("simlab-run", RunElement);
