/** What stands above and beside the turns: what is run, how far it is, and its episodes. */

import { seatFacts, spentFacts } from "./cards.js";
import { counted, el, fill, told } from "./dom.js";

const MOST_OPTIONS = 300; // of episodes to choose from; of more, the number is typed

const STATES = { ended: "✓", failed: "✕", unfinished: "…" };

/** Draw the head of a view, if anything in it has changed. */
export function drawHead(view) {
  const { overview, parts, card } = view;
  const state = JSON.stringify({ ...overview, config: null });
  if (view.drawnHead === state) return;
  view.drawnHead = state;
  fill(parts.title, runTitle(overview));
  fill(parts.counts, runStats(overview));
  const { seats, mean_returns, mean_ratings, mean_scores } = overview;
  const legend = JSON.stringify([seats, mean_returns, mean_ratings, mean_scores]);
  if (view.drawnLegend === legend) return; // somebody may be at one of its buttons
  view.drawnLegend = legend;
  fill(parts.legend, runSeats(overview, (seat) => card.show(seat.seat, seatFacts(seat))));
}

/** What shows a card of what was spent; it stays as it is while the counts beside it change. */
export function spentButton(view) {
  const onclick = async () => {
    try {
      view.card.show("What was spent", spentFacts(await view.source.overview()));
    } catch (error) {
      view.note(error.message);
    }
  };
  return el("button.accounts", { title: "What each model and seat has spent, and what was run", onclick }, "details");
}

function runTitle(run) {
  return [
    el("h1", {}, run.name ?? "run"),
    el("span.state", { class: `state ${run.state}` }, run.state),
    el("p.description", {}, run.description),
    run.branch?.parent
      ? el("p.quiet", {}, `a branch of ${run.branch.parent}, episode ${run.branch.episode}, `,
           `turn ${run.branch.forks?.at(-1)?.step}`)
      : null,
  ];
}

function runStats(run) {
  const counts = [
    ["episodes", `${told(run.n_ended)} of ${told(run.n_episodes ?? run.n_begun)}`],
    ["failed", run.n_failed || null],
    [run.n_steps === 1 ? "turn" : "turns", told(run.n_steps)],
    ["tokens", run.tokens ? told(run.tokens) : null],
    ["cost", run.dollars ? `$${run.dollars}` : null],
  ];
  return counts.filter(([, value]) => value).map(([name, value]) =>
    el("div.stat", { class: `stat stat-${name}` }, el("b", {}, value), el("small", {}, name)));
}

/** Who plays, with the mean of what they got or gave, and the judges. */
function runSeats(run, onSeat) {
  const isRewarded = Object.values(run.mean_returns).some(Boolean);
  const means = { ...(isRewarded ? run.mean_returns : {}), ...run.mean_ratings };
  const mean = (value) => (typeof value === "number" ? el("small", {}, ` ⌀ ${told(value)}`) : null);
  return [
    run.seats.map((seat) =>
      el("button.legend-seat",
        { title: [seat.agent, seat.model, seat.persona, seat.goal].filter(Boolean).join("\n"), onclick: () => onSeat(seat) },
        el("i.dot", { style: { "--seat": seat.colour } }), seat.seat, mean(means[seat.seat]))),
    Object.entries(run.mean_scores ?? {}).map(([judge, value]) =>
      el("span.legend-seat", { title: "Mean score of this judge" }, judge, mean(value))),
  ];
}

/** An episode in the list. */
export function episodeLink(row, props) {
  const worth = Object.values(row.ratings ?? {})[0] ?? Object.values(row.returns ?? {})[0];
  const { environment, state } = row.start ?? {};
  const place = [environment, state].filter((part) => part !== undefined).join(" ");
  return el("a.episode", { class: `episode ${row.state}`, title: row.failure ?? row.state, ...props },
    el("span.glyph", {}, STATES[row.state] ?? "?"),
    el("b", {}, row.episode),
    el("span.place", {}, place),
    el("small", {}, counted(row.n_steps, "turn")),
    typeof worth === "number" ? el("small.value", {}, told(worth)) : null);
}

/** Where the list of episodes finds no room: which one is read, to be chosen. */
function episodeChoice(row, order, onEpisode) {
  const props = {
    class: "episode-choice", "aria-label": "Episode", title: "Episode",
    onchange: ({ target: { value } }) => onEpisode(Number(value)),
  };
  if (order.length > MOST_OPTIONS) {
    const [first, last] = [order[0], order.at(-1)];
    return el("input", { ...props, type: "number", min: first, max: last, step: 1, value: row.episode });
  }
  return el("select", props, order.map((each) =>
    el("option", { value: each, selected: each === row.episode }, `Episode ${each}`)));
}

/** What stands above the turns: which episode is read, and with which it is compared. */
export function episodeBar(row, { order, onEpisode, other, others, parent, elsewhere, choose, before, after, onCompare }) {
  const isParent = elsewhere?.name === "parent";
  const change = ({ target: { value } }) => {
    if (value === "choose") choose();
    else onCompare(value === "" ? null : value === "parent" ? "parent" : Number(value));
  };
  const whose = elsewhere ? `${isParent ? "parent" : elsewhere.name}'s episode` : "Episode";
  const both = other === undefined ? "" : ` · ${whose} ${other}`;
  return [
    el("button", { title: "Previous episode  [", disabled: !before, onclick: before ?? (() => {}) }, "‹"),
    el("h2", {}, `Episode ${row.episode}${both}`),
    episodeChoice(row, order, onEpisode),
    el("button", { title: "Next episode  ]", disabled: !after, onclick: after ?? (() => {}) }, "›"),
    el("span.standing"),
    others.length || parent || choose
      ? el("select.compare", { "aria-label": "Compare with", onchange: change },
          el("option", { value: "" }, both ? "one alone" : "compare with …"),
          parent ? el("option", { value: "parent", selected: isParent }, "its parent") : null,
          choose ? el("option", { value: "choose" }, "another run …") : null,
          elsewhere && !isParent
            ? el("option", { value: "choose", selected: true }, `${elsewhere.name}, episode ${other}`) : null,
          others.map((each) =>
            el("option", { value: each, selected: !elsewhere && each === other }, `episode ${each}`)))
      : null,
  ];
}

/** How far an episode is. */
export function episodeStanding(row) {
  return [el("span.state", { class: `state ${row.state}` }, row.state), el("span.quiet", {}, counted(row.n_steps, "turn"))];
}

/** What stands above a turn that is opened. */
export function turnHead(words, { href, tools, onClose }) {
  return el("header", {}, el("h3", {}, words), tools ?? null,
    el("a", { href, title: "Link to this turn" }, "link"),
    el("button", { onclick: onClose, title: "Close  Esc", "aria-label": "Close" }, "✕"));
}
