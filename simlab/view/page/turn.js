/** Turns as rows of a transcript: what was perceived, said and done, and what it brought. */

import { asText, el, rich, told } from "./dom.js";

const MARKS = {
  invalid: ["no fitting answer", "No answer fitted, so the default was played: "],
  late: ["late", "The deadline had passed, so the default was played"],
  edited: ["edited", "Put there by a person or a branch, not by the seat's agent"],
};

/** The name of a seat in its colour. */
export function seatName(look, seat) {
  return el("span.seat", { style: { "--seat": look.colour(seat) } }, seat);
}

/**
 * One turn.
 *
 * @param {object} turn As `simlab.view.turns` gives it.
 * @param {object} look `colour(seat)`, `link(turn)`, `seats` and what is switched on.
 */
export function turnRow(turn, look) {
  const acts = turn.acts.map((act) => (act.score ? rating(act, look) : action(act, look)));
  return el(
    "article.turn",
    { dataset: { step: turn.step }, "aria-label": `turn ${turn.step}` },
    gutter(turn, look),
    el(
      "div.turn-body",
      {},
      heardLines(turn.heard, look),
      peopleLines(turn.people, look),
      acts.length ? acts : el("p.heard.quiet", {}, "nobody acted"),
      gains(turn, look),
    ),
  );
}

/** What stands behind the last turn: who is asked now, or how the episode ended. */
export function afterRow(after, episode, look) {
  const asked = Object.keys(after.asked ?? {});
  const state = { ended: "The episode has ended", failed: "The episode failed" }[after.state];
  return el(
    "article.turn.after",
    { "aria-label": "end" },
    el("div.gutter"),
    el(
      "div.turn-body",
      {},
      heardLines(after.heard, look),
      peopleLines(after.people, look),
      asked.length
        ? el("p.waiting", {}, el("span.pulse"), asked.map((seat) => seatName(look, seat)),
             asked.length > 1 ? " are asked" : " is asked")
        : null,
      state ? el("p.end", { class: `end ${after.state}` }, state) : null,
      episode.failure ? el("p.failure", {}, `${episode.boundary}: ${episode.failure}`) : null,
      totals(episode, look),
      Object.entries(after.scores ?? {}).map(([name, score]) =>
        rating({ seat: name, score: score && typeof score === "object" ? score : {} }, look)),
      facts(after.info),
    ),
  );
}

function gutter(turn, look) {
  return el(
    "div.gutter",
    {},
    el("a.step", { href: look.link(turn.step), title: "Link to this turn" }, turn.step),
    typeof turn.now === "number" && turn.now > 0
      ? el("span.now", { title: "World time in seconds" }, `${told(turn.now)} s`)
      : null,
  );
}

function heardLines(heard, look) {
  const lines = (heard ?? []).filter((line) => !line.echo);
  const briefings = lines.filter((line) => line.kind === "briefing");
  return [
    briefings.length
      ? el("details.briefings", {},
          el("summary", {}, "briefed: ", briefings.map((line, at) =>
            [at ? ", " : "", line.to.map((seat, nth) => [nth ? ", " : "", seatName(look, seat)])])),
          briefings.map((line) => heardLine(line, look)))
      : null,
    lines.filter((line) => line.kind !== "briefing").map((line) => heardLine(line, look)),
  ];
}

/** What people did to the run while it went on, each thing as often as it was done in a row. */
function peopleLines(people, look) {
  const lines = [];
  for (const { seat, words } of people ?? []) {
    const last = lines.at(-1);
    if (last?.seat === seat && last.words === words) last.n += 1;
    else lines.push({ seat, words, n: 1 });
  }
  return lines.map(({ seat, words, n }) =>
    el("p.people", {}, seat ? [seatName(look, seat), " "] : "the run ", words, n > 1 ? ` ×${n}` : null));
}

function heardLine(line, look) {
  const isForAll = line.to.length >= look.seats.length && look.seats.length > 1;
  const to = isForAll
    ? el("span.to", { title: "Perceived by all" }, "all")
    : el("span.to", { title: `Perceived by ${line.to.join(", ")} alone` },
         line.to.map((seat) => el("i.dot", { style: { "--seat": look.colour(seat) } })),
         line.to.length > 2 ? `${line.to[0]} +${line.to.length - 1}` : line.to.join(", "));
  if (line.kind === "utterance") {
    return el("div.act.said", { style: { "--seat": look.colour(line.by) } },
      el("header", {}, seatName(look, line.by), to), el("p.words", {}, look.marked(line.text)));
  }
  return [
    el("p.heard", { class: `heard ${line.kind}` }, to, line.text ? el("span.text", {}, look.marked(line.text)) : null),
    (line.images ?? []).map(rich),
  ];
}

function action(act, look) {
  const fields = act.action && typeof act.action === "object" && !Array.isArray(act.action);
  const spoken = fields ? (act.action.say ?? act.action.text) : null;
  const hasWords = typeof spoken === "string";
  const rest = fields
    ? Object.entries(act.action).filter(
        ([name, value]) => !["_type", "say", "text"].includes(name) && value !== null)
    : [];
  const words = hasWords ? spoken : rest.length || (!act.words && act.images) ? null : act.words;
  return el(
    "div.act",
    { style: { "--seat": look.colour(act.seat) } },
    el("header", {}, seatName(look, act.seat), marks(act)),
    words === null ? null
      : el("p.words", { class: words ? "words" : "words quiet" }, look.marked(words || "(silence)")),
    rest.length
      ? el("p.chips", {}, rest.map(([name, value]) =>
          el("span.chip", {}, el("b", {}, name), " ", look.marked(asText(value)))))
      : null,
    (act.images ?? []).map(rich),
  );
}

function marks(act) {
  const found = Object.keys(MARKS).filter((name) => act[name]);
  return [
    found.map((name) =>
      el("span.mark", { class: `mark ${name}`, title: `${MARKS[name][1]}${name === "invalid" ? act.invalid : ""}` },
         MARKS[name][0])),
    act.attempts > 1 && !act.invalid
      ? el("span.mark.tries", { title: "Earlier answers did not fit" }, `try ${act.attempts}`)
      : null,
  ];
}

/** A rating: its value, and how likely each label was, as bars. */
function rating(act, look) {
  const { score } = act;
  const shares = Object.entries(score.distribution ?? {});
  const most = Math.max(...shares.map(([, share]) => share), 1e-9);
  return el(
    "div.rating",
    { style: { "--seat": look.colour(act.seat) }, title: score.reason || null },
    seatName(look, act.seat),
    el("b.value", {}, typeof score.value === "number" ? told(score.value) : "missing"),
    shares.length
      ? el("span.bars", { role: "img", "aria-label": shares.map(([l, p]) => `${l}: ${told(100 * p)} %`).join(", ") },
          shares.map(([label, share]) =>
            el("span.bar", { title: `${label}: ${told(100 * share)} %` },
               el("i", { style: { height: `${Math.max(2, 100 * share)}%` }, class: share === most ? "most" : null }),
               el("small", {}, label))))
      : null,
    score.reason ? el("span.reason", {}, look.marked(score.reason)) : null,
    marks(act),
  );
}

function gains(turn, look) {
  const rewards = Object.entries(turn.rewards).filter(([, reward]) => reward);
  const ends = Object.entries(turn.ended);
  const info = facts(turn.info);
  if (!rewards.length && !ends.length && !info) return null;
  return el(
    "div.gains",
    {},
    rewards.map(([seat, reward]) =>
      el("span.reward", { class: `reward ${reward < 0 ? "loss" : "gain"}` },
         reward > 0 ? "+" : "", told(reward), " ", seatName(look, seat))),
    ended(ends, look),
    info,
  );
}

function ended(ends, look) {
  const ways = new Set(ends.map(([, how]) => how));
  if (ends.length > 1 && ends.length === look.seats.length && ways.size === 1)
    return el("span.ends", {}, `all ${ends[0][1]}`);
  return ends.map(([seat, how]) => el("span.ends", {}, seatName(look, seat), ` ${how}`));
}

/** What the world tells of itself, the same for all seats once. */
function facts(info) {
  const bySeat = Object.entries(info ?? {}).filter(([, of]) => of && typeof of === "object");
  if (!bySeat.length) return null;
  const [, first] = bySeat[0];
  const shared = Object.entries(first).filter(([name, value]) =>
    bySeat.every(([, of]) => JSON.stringify(of[name]) === JSON.stringify(value)));
  const names = new Set(shared.map(([name]) => name));
  const own = bySeat.flatMap(([seat, of]) =>
    Object.entries(of).filter(([name]) => !names.has(name)).map(([name, v]) => [`${seat} ${name}`, v]));
  return el("details.world", {}, el("summary", {}, "world"),
            el("dl", {}, [...shared, ...own].map(([name, value]) =>
              [el("dt", {}, name), el("dd", {}, rich(value) ?? asText(value))])));
}

function totals(episode, look) {
  const returns = Object.entries(episode.returns ?? {});
  const ratings = Object.entries(episode.ratings ?? {});
  if (!returns.length && !ratings.length) return null;
  return el("p.totals", {},
    returns.some(([, total]) => total) ? returns.map(([seat, total]) =>
      el("span.total", {}, seatName(look, seat), " ", el("b", {}, told(total)))) : null,
    ratings.map(([seat, mean]) =>
      el("span.total", { title: "Mean rating" }, seatName(look, seat), " ⌀ ", el("b", {}, told(mean)))));
}
