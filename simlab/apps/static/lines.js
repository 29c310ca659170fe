/** The lines of the list of runs: runs, and the heads of trainings, sweeps and folders. */

import { counted, el, told } from "./dom.js";
import { STATES } from "./order.js";

const AGES = [[31536000, "year"], [2592000, "month"], [86400, "day"], [3600, "hour"], [60, "minute"]];
const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago something was, in words. */
export function age(created) {
  const seconds = (Date.now() - Date.parse(created)) / 1000;
  if (Number.isNaN(seconds)) return "";
  const [length, unit] = AGES.find(([length]) => seconds >= length) ?? [];
  return length ? WORDS.format(-Math.floor(seconds / length), unit) : "just now";
}

/** A state with its glyph: it is told by more than a colour. */
export function stateMark(state, words = state) {
  return el("span.state", { class: `state ${state}` }, el("i", { "aria-hidden": "true" }, STATES[state] ?? "?"), ` ${words}`);
}

/** A run. `names` gives the names of runs by their paths. */
export function runLine({ run, depth }, names) {
  const isHere = !run.machine;
  const title = isHere
    ? el("a.name", { href: `/run?run=${encodeURIComponent(run.run)}`, "data-key": run.run }, run.run)
    : el("span.name", {}, run.run);
  return el("div.line", { class: `line ${run.state}`, style: { "--depth": depth } },
    el("div.what", {}, title,
      el("small.quiet", {}, isHere ? run.description ?? "" : `on another machine, ${run.machine}: open it there`),
      run.parent ? parent(run.parent, names) : null,
      run.error ? el("p.failure", {}, run.error) : null),
    stateMark(run.state),
    el("div.done", {}, progress(run)),
    el("div.means", {}, means(run)),
    el("div.world", {}, el("small", {}, worldName(run.world)), el("small.quiet", {}, (run.models ?? []).join(", "))),
    el("div.spent", {},
      run.tokens ? el("small", {}, `${short(run.tokens)} tokens`) : null,
      run.dollars ? el("small", {}, `$${told(run.dollars)}`) : null),
    el("small.age", { title: run.created ?? "" }, age(run.created)));
}

function parent(path, names) {
  const name = names.get(path);
  return el("small.quiet", {}, "a branch of ",
    name ? el("a", { href: `/run?run=${encodeURIComponent(name)}` }, name) : path.split("/").at(-1));
}

function progress({ state, n_ended: ended, n_failed: failed, n_episodes: n, n_steps: steps }) {
  if (ended === undefined && steps === undefined) return el("small.quiet", {}, state === "unread" ? "not read yet" : "");
  const done = (ended ?? 0) + (failed ?? 0);
  return [
    el("progress", { max: Math.max(n ?? done, 1), value: done, "aria-label": "episodes done" }),
    el("small", {}, `${told(done)} of ${told(n ?? done)}`,
      failed ? el("b.failure", {}, ` · ${told(failed)} failed`) : null,
      steps ? el("span.quiet", {}, ` · ${counted(steps, "turn")}`) : null),
  ];
}

/** What a run came to: mean returns, ratings and scores, a few of each. */
function means(run) {
  const kinds = [["return", run.mean_returns], ["rating", run.mean_ratings], ["score", run.mean_scores]];
  const found = kinds.flatMap(([kind, values]) =>
    Object.entries(values ?? {}).filter(([, mean]) => typeof mean === "number" && (kind !== "return" || mean))
      .map(([name, mean]) => [kind, name, mean]));
  return [
    found.slice(0, 4).map(([kind, name, mean]) =>
      el("span.mean", { title: `mean ${kind} of ${name}` }, `${name} `, el("b", {}, told(mean)))),
    found.length > 4 ? el("small.quiet", {}, `+${found.length - 4}`) : null,
  ];
}

const worldName = (world) => String(world ?? "").split(":").at(-1).split(".").at(-1);

function short(n) {
  return n >= 1e6 ? `${told(n / 1e6)} M` : n >= 1e4 ? `${told(Math.round(n / 1e3))} k` : told(n);
}

const PAGES = { training: "training", sweep: "sweep" };

/** The head of a group: a training, a sweep or a folder, which shows its runs or hides them. */
export function headLine({ key, group, isOpen }, onToggle) {
  const name = PAGES[group.kind]
    ? el("a.name", { href: `/training?${PAGES[group.kind]}=${encodeURIComponent(group.key)}`, "data-key": key }, group.key)
    : el("span.name", {}, `${group.key}/`);
  return el("div.line.head", {},
    el("div.what", {},
      isOpen === undefined ? null
        : el("button.toggle", { "aria-expanded": String(isOpen), "aria-label": `runs of ${group.key}`, "data-key": `toggle ${key}`, onclick: () => onToggle(key, !isOpen) }, isOpen ? "▾" : "▸"),
      name, group.kind === "folder" ? null : el("span.kind", {}, group.kind),
      group.error ? el("p.failure", {}, group.error) : null),
    group.state ? stateMark(group.state) : null,
    el("div.done", {}, groupProgress(group)),
    el("div.means", {}, groupMeans(group)),
    el("small.quiet.count", {}, group.n === undefined ? "" : `${told(group.n)} run${group.n === 1 ? "" : "s"}`));
}

function groupProgress({ kind, n_rounds: n, of_rounds: of, n_over: over, n_trials: trials }) {
  const [done, all, what] = kind === "training" ? [n, of, "rounds"] : [over, trials, "trials"];
  if (done === undefined) return null;
  return [
    el("progress", { max: Math.max(all ?? 1, 1), value: done, "aria-label": `${what} done` }),
    el("small", {}, `${told(done)} of ${told(all)} ${what}`),
  ];
}

function groupMeans({ rating, verdict, metric, mode }) {
  if (metric) return el("span.mean", {}, `${metric}, ${mode}`);
  if (typeof rating?.mean !== "number") return null;
  return [el("span.mean", { title: "rating after the last round" }, "rating ", el("b", {}, told(rating.mean))),
          el("small.quiet", {}, verdict)];
}
