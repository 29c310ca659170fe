/** Words that are looked for, and colours of those who have none. */

import { el } from "./dom.js";

/** Nodes for a text in which the words that are looked for are marked. */
export function marked(text, query) {
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
