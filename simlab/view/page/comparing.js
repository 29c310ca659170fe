/** Comparing: another episode stands beside the one that is read, with their first difference marked. */

import { Pair } from "./difference.js";

/** Show another episode beside the one that is read, unless something else is read meanwhile. */
export async function compare(view, other) {
  const { turns } = view;
  const own = { source: view.source, episode: other };
  const { source, episode, name } = other === "parent" ? view.options.parent : typeof other === "object" ? other : own;
  const row = source === view.source ? view.episodes.get(episode) : await rowOf(view, source, episode);
  if (!row || view.turns !== turns || view.options.blind) return;
  view.elsewhere = source === view.source ? null : { name: name ?? "parent", episode };
  view.others = view.turnsOf(row, source);
  view.pair = new Pair(view.turns, view.others);
  view.drawBar();
  view.rows.resize(view.count());
  view.rows.redraw();
  await seek(view, true);
}

/** What an episode of another run has come to; null, and told, where that cannot be had. */
async function rowOf(view, source, episode) {
  try {
    return (await source.turns(episode, 0, 1)).row;
  } catch (error) {
    view.note(error.message);
    view.drawBar(true);
    return null;
  }
}

/** Let the reader choose an episode of another run, and show it beside this one. */
export async function chooseOther(view) {
  try {
    const other = await view.options.chooseOther(view.episode);
    if (other) await view.compare(other);
    else view.drawBar(true);
  } catch (error) {
    view.note(error.message);
  }
}

/** Look for the first difference of the two that are shown, as long as there is none. */
export async function seek(view, isNew) {
  const { pair } = view;
  if (isNew) view.note("Looking for the first difference …");
  try {
    await pair.seek();
    if (view.pair !== pair || pair.isTold) return;
    pair.isTold = pair.step !== null;
    if (isNew || pair.isTold) view.note(pair.isTold ? "" : "The two episodes are the same, as far as they go.");
    if (!pair.isTold) return;
    view.rows.redraw();
    view.select(pair.step, "middle");
  } catch (error) {
    view.note(error.message);
  }
}
