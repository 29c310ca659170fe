/** One turn, drilled into: its parts, spans, effects and notes, down to prompts and tokens. */

import { asText, duration, el, rich, told } from "./dom.js";

export const ORIGINS = {
  role: "what the world says of the seat",
  persona: "who it is, from the run file",
  briefing: "what it was briefed with",
  memory: "what it remembers",
  observation: "what it has just perceived",
  request: "what it is asked",
  schema: "the form of the answer",
  refusal: "answers that were not taken, and why",
  tool: "tools, and what they gave",
  begun: "its reply, as it is begun for it",
};

/** All that is recorded of a step, as `simlab.view.steps` gives it. */
export function stepTree(step, look) {
  const parts = step.tree.children;
  return [
    asked(step, look),
    parts.length
      ? parts.map((part) => node(part, look, true))
      : el("p.quiet", {}, "Nothing is recorded of this turn but what was done."),
  ];
}

function asked(step, look) {
  const seats = Object.entries(step.asked ?? {});
  if (!seats.length) return null;
  return seats.map(([seat, request]) =>
    el("details.asked", {},
      el("summary", {}, look.seatName(seat), " was asked",
         request?.prompt ? el("span.quiet", {}, ` ${asText(request.prompt).slice(0, 90)}`) : null),
      shown(request)));
}

function node(tree, look, open = false) {
  const plain = tree.type === "part" && tree.children.length === 1 && !tree.error;
  if (plain) {
    return el("section.part", { style: { "--seat": look.colour(tree.actor) } },
      el("h4", {}, look.seatName(tree.actor), " ", el("small", {}, tree.kind)),
      tree.children.map((child) => node(child, look, !isFailure(child))));
  }
  if (tree.type === "part") {
    return el("section.part", { style: { "--seat": look.colour(tree.actor) } },
      el("h4", {}, look.seatName(tree.actor), " ", el("small", {}, tree.kind)),
      fault(tree.error), tree.children.map((child) => node(child, look, true)), more(tree));
  }
  const busy = tree.error || tree.children.some((child) => child.error);
  return el("details.node", { class: `node ${tree.type} ${tree.state}`, open: open || Boolean(busy) },
    el("summary", {}, title(tree), tags(tree), cost(tree)),
    fault(tree.error),
    tree.call ? call(tree.call) : inputs(tree),
    tree.children.map((child) => node(child, look, !isFailure(child))),
    more(tree),
    tree.call ? null : result(tree));
}

/** Whether a note says what the episode failed of, which stands in the transcript as well. */
const isFailure = (tree) => tree.type === "note" && tree.kind === "failure";

const more = (tree) => (tree.cut ? el("p.quiet", {}, `… ${tree.cut}`) : null);

function title(tree) {
  const name = tree.type === "effect" && tree.kind === "model"
    ? (tree.call?.model ?? "model") : tree.name;
  const sort = tree.type === "effect" ? (tree.kind === "model" ? "model call" : tree.kind) : tree.type;
  return [el("b", {}, name), el("small.sort", {}, sort),
          tree.state === "open" ? el("span.pulse", { title: "under way" }) : null];
}

function tags(tree) {
  return tree.tags.map((tag) =>
    el("span.tag", { style: { "--seat": CSS.supports("color", tag.color ?? "") ? tag.color : "var(--line)" } },
       tag.name));
}

function cost(tree) {
  const { prompt_tokens: read, completion_tokens: drawn, cached_tokens: cached } = tree.cost;
  const told_ = [
    read ? `${told(read)} read` : null,
    cached ? `${told(cached)} cached` : null,
    drawn ? `${told(drawn)} drawn` : null,
    tree.cost.attempts > 1 ? `${tree.cost.attempts} tries` : null,
    tree.cost.dollars ? `$${tree.cost.dollars}` : null,
    duration(tree.duration_s),
  ].filter(Boolean);
  return told_.length ? el("small.cost", {}, told_.join(" · ")) : null;
}

function fault(faults) {
  const said = (each) => each && `${each.type}: ${each.message}`;
  const news = (faults ?? []).filter((each, at, all) => !at || said(each) !== said(all[at - 1]));
  return news.map((each, at) =>
    el("div.fault", {},
      el("p", {}, at ? "caused by " : "", el("b", {}, each.type), ": ", each.message),
      each.frames.length
        ? el("details", {}, el("summary", {}, "call stack"),
            el("pre", {}, each.frames.map((f) =>
              `${f.file}:${f.line} in ${f.function}\n    ${f.source}`).join("\n")))
        : null));
}

function inputs(tree) {
  const given = Object.entries(tree.inputs ?? {});
  if (!given.length) return null;
  return el("dl", {}, given.map(([name, value]) =>
    [el("dt", {}, name), el("dd", {}, rich(value) ?? el("pre", {}, asText(value)))]));
}

function result(tree) {
  if (tree.result === null || tree.result === undefined) return null;
  return el("div.result", {}, tree.type === "span" ? el("small", {}, "gave") : null,
            shown(tree.result));
}

/** A value: its pictures and pages, and all else as text. */
function shown(value) {
  const whole = rich(value);
  if (whole) return whole;
  const parts = Object.values(value && typeof value === "object" ? value : {});
  const pictures = parts.map(rich).filter(Boolean);
  return [pictures.length < parts.length || !parts.length ? el("pre", {}, asText(value)) : null, pictures];
}

/** A call of a model: the prompt in parts by where they come from, and what came back. */
function call({ messages, ids, completion, sampling }) {
  const origins = new Set(messages.flatMap((each) => (each.parts ?? []).map((part) => part.origin)));
  return el("div.call", {},
    el("p.legend", {}, Object.keys(ORIGINS).filter((name) => origins.has(name)).map((name) =>
      el("span.origin", { class: `origin of-${name}`, title: ORIGINS[name] }, name))),
    messages.map((each) => (each.cut
      ? el("p.quiet", {}, `… ${each.cut} more`)
      : el("div.message", { class: `message ${each.role}` },
          el("small.role", {}, each.role),
          el("div.text", {}, each.parts.map(promptPart))))),
    ids ? el("details", {}, el("summary", {}, "prompt as token ids"), el("pre", {}, ids.join(" "))) : null,
    answer(completion),
    el("details.sampling", {}, el("summary", {}, "sampling"), el("pre", {}, asText(sampling))));
}

/** A part of a prompt; blanks around it bear no colour. */
function promptPart({ origin, text }) {
  const words = text.trim();
  const start = text.indexOf(words);
  return [text.slice(0, start),
          words ? el("span.origin", { class: `origin of-${origin}`, title: ORIGINS[origin] }, words) : null,
          text.slice(start + words.length)];
}

function answer(completion) {
  if (completion?.choices) {
    return el("div.choices", {}, completion.choices.map(({ choice, p }) =>
      el("div.choice", {}, el("code", {}, asText(choice)), el("meter", { min: 0, max: 1, value: p }),
         el("small", {}, `${told(100 * p)} %`))));
  }
  const tokens = completion?.tokens ?? [];
  return el("div.message.completion", {},
    el("small.role", {}, "completion",
       completion?.finish && completion.finish !== "stop" ? ` (${completion.finish})` : ""),
    el("div.text", {}, completion?.text ?? ""),
    tokens.length
      ? el("div.tokens", { role: "img", "aria-label": `${tokens.length} token probabilities` },
          tokens.map(({ id, p }, at) =>
            el("i", { style: { "--p": p }, title: `token ${at + 1}, id ${id ?? "?"}: ${told(100 * p)} %` })))
      : null);
}
