/** Choosing an episode of another run, to be put beside the one that is read. */

import { el } from "./dom.js";
import { getJson, ServerSource } from "./sources.js";

const MOST = 2000; // runs to choose from

/**
 * Ask which one.
 *
 * @param {Element} root The transcript, before which the question stands.
 * @param {string} own The run that is read.
 * @param {number} episode The episode that is read, which is proposed.
 * @returns {Promise<{source, episode, name}|null>} Null where the reader wants none.
 */
export async function chooseEpisode(root, own, episode) {
  const runs = await getJson("/api/runs");
  const names = runs.filter((run) => run.run !== own && run.state !== "unreadable" && !run.machine)
    .map((run) => run.run).slice(0, MOST);
  if (!names.length) throw new Error("there is no other run to compare with");
  const answer = await ask(root.querySelector(".simlab") ?? root, names, episode);
  return answer && { ...answer, source: new ServerSource(answer.name) };
}

function ask(root, names, episode) {
  const list = `runs-${Math.random().toString(36).slice(2)}`;
  const run = el("input", { list, name: "run", required: true, autocomplete: "off", placeholder: "name of a run" });
  const number = el("input", { type: "number", name: "episode", min: 0, step: 1, value: episode, required: true });
  const isKnown = () => run.setCustomValidity(names.includes(run.value) ? "" : "Choose one of the runs that are listed");
  run.addEventListener("input", isKnown);
  isKnown();
  const dialog = el("dialog", { "aria-label": "Compare with another run" },
    el("form", { method: "dialog" },
      el("h3", {}, "Compare with another run"),
      el("label", {}, "Run", run), el("datalist", { id: list }, names.map((name) => el("option", { value: name }))),
      el("label", {}, "Episode", number),
      el("div.ends-row", {},
        el("button", { type: "button", onclick: () => dialog.close("") }, "Cancel"),
        el("button", { value: "chosen" }, "Compare"))));
  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // keys of the transcript
  root.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue === "chosen" ? { name: run.value, episode: Number(number.value) } : null);
  }));
}
