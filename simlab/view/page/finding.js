/** Finding turns: by words, and by what is said of them. */

import { el, fill } from "./dom.js";
import { seatName } from "./turn.js";

const HELP = 'Words, and any of seat:NAME, seat:"A NAME", tag:NAME, is:failed, score>=4, score<=2';
const ENOUGH = 20; // hits after which a search waits to be told to look on

/** What is typed, as a query: words, and conditions on seat, tag, failure and rating. */
function parsed(typed) {
  const query = {};
  const words = (typed.match(/(?:seat|tag):"[^"]*"|\S+/g) ?? []).filter((word) => {
    const [, name, quoted, plain] = word.match(/^(seat|tag|is):(?:"([^"]*)"|(.+))$/) ?? [];
    const [, sign, bound] = word.match(/^score([<>])=?(-?[\d.]+)$/) ?? [];
    if (name === "seat" || name === "tag") query[name] = quoted ?? plain;
    else if (name === "is" && plain === "failed") query.failed = "true";
    else if (sign) query[sign === ">" ? "at_least" : "at_most"] = bound;
    else return true;
    return false;
  });
  return { ...query, q: words.join(" ").trim() };
}

/** A query as it is typed; `parsed` of it is the query again. */
function typedOf({ q, seat, tag, failed, at_least: low, at_most: high }) {
  const named = (name, value) => (value ? `${name}:${/\s/.test(value) ? `"${value}"` : value}` : "");
  const bounds = [low ? `score>=${low}` : "", high ? `score<=${high}` : ""];
  return [q, named("seat", seat), named("tag", tag), failed ? "is:failed" : "", ...bounds].filter(Boolean).join(" ");
}

/**
 * @param {object} options
 * @param {ServerSource|PageSource} options.source Where to look.
 * @param {object} options.look Colours, links and marks.
 * @param {(words: string) => void} options.onWords Told which words are looked for.
 * @param {(episode: number, step: number) => void} options.onChoose Told which hit is chosen.
 */
export class Finding {
  constructor(options) {
    Object.assign(this, options);
    this.typed = "";
    this.hits = el("div.hits", { hidden: true });
    this.form = el("form.find-form", {
      hidden: true,
      onsubmit: (event) => event.preventDefault() ?? this.fromForm(),
      onkeydown: (event) => event.key === "Escape" && this.toggle(false),
    });
    this.more = el("button.find-more", {
      type: "button", "aria-expanded": "false", "aria-label": "Find by seat, tag, rating or failure",
      title: "Find by seat, tag, rating or failure", onclick: () => this.toggle(this.form.hidden),
    }, "▾");
    this.input = el("input.find", {
      type: "search", placeholder: "Find  /", "aria-label": "Find", title: HELP,
      onkeydown: (event) => event.key === "Enter" && this.begin(),
      oninput: () => !this.input.value && this.begin(),
    });
  }

  /** All that belongs to it, for the head of a column. */
  get elements() {
    return [el("div.find-row", {}, this.input, this.more), this.form];
  }

  /** Show the form with what is typed in its fields, or put it away. */
  toggle(isOpen) {
    this.form.hidden = !isOpen;
    this.more.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return this.more.focus();
    const { q, seat, tag, failed, at_least: low, at_most: high } = parsed(this.input.value);
    const field = (label, props) => el("label", {}, label, el("input", { autocomplete: "off", ...props }));
    fill(this.form,
      field("Words", { name: "q", type: "text", value: q }),
      el("label", {}, "Seat", el("select", { name: "seat" }, el("option", { value: "" }, "any"),
        this.look.seats.map((each) => el("option", { value: each, selected: each === seat }, each)))),
      this.source.isLive ? field("Tag", { name: "tag", type: "text", value: tag }) : null,
      el("fieldset", {}, el("legend", {}, "Rating"),
        field("from", { name: "at_least", type: "number", step: "any", value: low }),
        field("to", { name: "at_most", type: "number", step: "any", value: high })),
      el("label.check", {}, el("input", { name: "failed", type: "checkbox", checked: Boolean(failed) }), "only what failed"),
      el("div.find-row", {}, el("button", { type: "submit" }, "Find"),
         el("button", { type: "button", onclick: () => this.clear() }, "Clear")));
    this.form.elements.q.focus();
    return undefined;
  }

  fromForm() {
    this.input.value = typedOf(Object.fromEntries(new FormData(this.form)));
    this.begin();
  }

  clear() {
    this.input.value = "";
    this.begin();
    this.toggle(true);
  }

  begin() {
    this.typed = this.input.value.trim();
    this.query = parsed(this.typed);
    this.onWords(this.query.q);
    this.hits.hidden = !this.typed;
    fill(this.hits);
    if (this.typed) this.lookOn("");
  }

  /** Look until enough is found or all was looked at; each answer is a bounded stretch. */
  async lookOn(cursor) {
    const { typed, query } = this;
    const most = this.hits.querySelectorAll(".hit").length + ENOUGH;
    const foot = el("p.quiet.more", { role: "status" }, "looking …");
    this.hits.querySelector(".more")?.remove();
    this.hits.append(foot);
    let found = { cursor };
    try {
      do {
        found = await this.source.find({ ...query, cursor: found.cursor });
        if (typed !== this.typed) return;
        foot.before(...found.hits.map((hit) => this.row(hit)));
      } while (!found.complete && this.hits.querySelectorAll(".hit").length < most);
      foot.replaceWith(found.complete
        ? el("p.quiet.more", {}, this.hits.querySelector(".hit") ? "that is all" : "nothing was found")
        : el("button.more", { onclick: () => this.lookOn(found.cursor) }, "look on"));
    } catch (error) {
      foot.replaceWith(el("p.failure.more", {}, error.message));
    }
  }

  row(hit) {
    const choose = (event) => {
      event.preventDefault();
      if (!this.form.hidden) this.toggle(false);
      this.onChoose(hit.episode, hit.step);
    };
    return el("a.hit", { href: this.look.linkTo(hit.episode, hit.step), onclick: choose },
      el("small", {}, `${hit.episode} · ${hit.step} `, hit.seat ? seatName(this.look, hit.seat) : "", ` ${hit.what}`),
      el("span", {}, this.look.marked(hit.excerpt)));
  }
}
