/** Words that are looked for, and colours of those who have none. */

import { el } from "./dom.js";
import { seatName } from "./turn.js";

/** How a view shows seats, links and words; its seats and colours are filled in once they are known. */
export function lookOf(view) {
  const look = {
    seats: [],
    colours: new Map(),
    colour: (seat) => look.colours.get(seat) ?? colourOf(seat),
    link: (turn) => view.link(view.episode, turn),
    linkTo: (episode, turn) => view.link(episode, turn),
    seatName: (seat) => seatName(look, seat),
    marked: (text) => marked(text, view.query),
  };
  return look;
}

/** Nodes for a text in which the words that are looked for are marked. */
function marked(text, query) {
  if (!query) return text;
  const [lower, words] = [text.toLowerCase(), query.toLowerCase()];
  if (lower.length !== text.length) return text;
  const nodes = [];
  let at = 0;
  for (let next = lower.indexOf(words); next >= 0 && nodes.length < 200; next = lower.indexOf(words, at)) {
    nodes.push(text.slice(at, next), el("mark", {}, text.slice(next, next + words.length)));
    at = next + words.length;
  }
  return [...nodes, text.slice(at)];
}

/** A colour for who has none from the run: its hue follows from the name. */
export function colourOf(name) {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) >>> 0;
  return `hsl(${hash % 360} 55% 50%)`;
}
