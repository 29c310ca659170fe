/** Finding turns: by words, and by what is said of them. */

import { el, fill } from "./dom.js";
import { seatName } from "./turn.js";

const HELP = "Words, and any of seat:NAME, tag:NAME, is:failed, score>=4, score<=2";
const ENOUGH = 20; // hits after which a search waits to be told to look on

/** What is typed, as a query: words, and conditions on seat, tag, failure and rating. */
export function parsed(typed) {
  const query = {};
  const words = typed.split(/\s+/).filter((word) => {
    const [, name, value] = word.match(/^(seat|tag|is):(.+)$/) ?? [];
    const [, sign, bound] = word.match(/^score([<>])=?(-?[\d.]+)$/) ?? [];
    if (name === "seat" || name === "tag") query[name] = value;
    else if (name === "is" && value === "failed") query.failed = "true";
    else if (sign) query[sign === ">" ? "at_least" : "at_most"] = bound;
    else return true;
    return false;
  });
  return { ...query, q: words.join(" ").trim() };
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
    this.input = el("input.find", {
      type: "search", placeholder: "Find  /", "aria-label": "Find", title: HELP,
      onkeydown: (event) => event.key === "Enter" && this.begin(),
      oninput: () => !this.input.value && this.begin(),
    });
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
      this.onChoose(hit.episode, hit.step);
    };
    return el("a.hit", { href: this.look.linkTo(hit.episode, hit.step), onclick: choose },
      el("small", {}, `${hit.episode} · ${hit.step} `, hit.seat ? seatName(this.look, hit.seat) : "", ` ${hit.what}`),
      el("span", {}, this.look.marked(hit.excerpt)));
  }
}
