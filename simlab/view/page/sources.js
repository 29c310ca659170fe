/**
 * Where a transcript gets its data: a server's JSON, or what stands in the page itself. Both give
 * promises of what `simlab.view` makes, and reject with words for people.
 */

const WAIT_S = 15; // for news, where there are none

/** Ask a server for JSON; rejects with its words where it refuses. */
export async function getJson(address, query = {}) {
  return answered(await fetch(`${address}?${new URLSearchParams(query)}`));
}

/** The JSON of an answer, unless it is a refusal. */
export async function answered(reply) {
  if (reply.ok) return reply.json();
  const { error } = await reply.json().catch(() => ({}));
  throw Object.assign(new Error(error ?? `the server answered ${reply.status}`), { status: reply.status });
}

/** What a server tells of a run that it has listed. */
export class ServerSource {
  constructor(run) {
    this.run = run;
    this.isLive = true;
  }

  get(path, query = {}) {
    const given = Object.entries({ run: this.run, ...query }).filter(([, value]) => value !== undefined && value !== "");
    return getJson(`/api/${path}`, given);
  }

  overview() {
    return this.get("run");
  }

  /** What is new since a cursor; where nothing is, the server keeps the answer until something is. */
  news(cursor) {
    return this.get("news", { cursor, wait_s: cursor ? WAIT_S : undefined });
  }

  /** Of a branch the name of the run it leaves, null if that is not listed, and its episode. */
  parent() {
    return this.get("parent");
  }

  turns(episode, from, to) {
    return this.get("turns", { episode, from, to });
  }

  step(episode, step) {
    return this.get("step", { episode, step });
  }

  find(query) {
    return this.get("find", query);
  }

  /** Where two episodes part, from a step on; the other may be of another run, with its source. */
  difference(episode, other, source = this, step = 0) {
    return this.get("difference", { episode, other, other_run: source.run, step });
  }
}

const CHUNK = 50; // turns in a chunk, as `simlab.view.static_page` writes them

/** What stands in a page that was exported: its parts are packed, and unpacked when looked at. */
export class PageSource {
  constructor(root = document) {
    this.root = root;
    this.known = new Map();
    this.isLive = false;
  }

  /** A part of the data by its name; the last dozen stay unpacked. */
  part(name) {
    if (!this.known.has(name)) {
      this.known.set(name, this.unpack(name));
      if (this.known.size > 12) this.known.delete(this.known.keys().next().value);
    }
    return this.known.get(name);
  }

  async unpack(name) {
    const script = this.root.querySelector(`script[data-part="${name}"]`);
    if (!script) throw new Error("this page was bounded in size, and has no more of this episode");
    const bytes = Uint8Array.from(atob(script.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

  async overview() {
    return (await this.part("run")).overview;
  }

  async news(cursor) {
    const { episodes, overview } = await this.part("run");
    return { cursor: "end", run: overview, episodes: cursor ? [] : episodes, more: false };
  }

  async turns(episode, from, to) {
    const row = (await this.part("run")).episodes.find((each) => each.episode === episode);
    if (!row) throw new Error(`there is no episode ${episode} in this page`);
    const turns = [];
    let after = null;
    for (let at = Math.floor(from / CHUNK); at * CHUNK <= Math.min(to, row.n_steps); at += 1) {
      const chunk = await this.part(`turns-${episode}-${at}`);
      turns.push(...chunk.turns.filter((turn) => turn.step >= from && turn.step < to));
      after = chunk.after ?? after;
    }
    return { episode, from, to, n_steps: row.n_steps, row, turns, after };
  }

  async step(episode, step) {
    const chunk = await this.part(`steps-${episode}-${Math.floor(step / CHUNK)}`);
    const found = chunk.steps.find((each) => each.step === step);
    if (!found) throw new Error("this page was bounded in size, and keeps no more of this turn");
    return found;
  }

  /** Find in what was said and done, episode after episode, a bounded number at a time. */
  async find({ cursor, ...query }) {
    if (query.tag) throw new Error("a page has no tags to look for; open the run itself");
    const { episodes } = await this.part("run");
    const hits = [];
    const begin = cursor ? JSON.parse(cursor) : [0, 0];
    let read = 0;
    for (let at = begin[0]; at < episodes.length; at += 1) {
      const { episode, n_steps: n } = episodes[at];
      for (let chunk = at === begin[0] ? begin[1] : 0; chunk * CHUNK < n; chunk += 1) {
        if (read >= 40 || hits.length >= 100) return { hits, cursor: JSON.stringify([at, chunk]), complete: false };
        read += 1;
        const found = await this.part(`turns-${episode}-${chunk}`).catch(() => ({ turns: [] }));
        for (const turn of found.turns) hits.push(...hitsIn(turn, episode, query));
      }
    }
    return { hits, cursor: "", complete: true };
  }

  async difference(episode, other) {
    const { episodes } = await this.part("run");
    const rows = [episode, other].map((number) => episodes.find((each) => each.episode === number));
    const n = Math.min(...rows.map((row) => row?.n_steps ?? 0));
    for (let from = 0; from < n; from += CHUNK) {
      const [left, right] = await Promise.all(
        rows.map((row) => this.turns(row.episode, from, Math.min(n, from + CHUNK))));
      const at = left.turns.findIndex((turn, i) => JSON.stringify(turn.acts) !== JSON.stringify(right.turns[i]?.acts));
      if (at >= 0) return { step: from + at, what: ["what was done"], complete: true };
    }
    const same = rows[0]?.n_steps === rows[1]?.n_steps;
    return { complete: true, ...(same ? { step: null, what: [] } : { step: n, what: ["one ends here"] }) };
  }
}

function hitsIn(turn, episode, { q, seat, failed, at_least: low, at_most: high }) {
  const words = q.toLowerCase();
  const acts = turn.acts.map((act) => ({
    seat: act.seat, what: "action", text: act.words, failed: act.invalid || act.late,
    score: act.score?.value,
  }));
  const heard = turn.heard.filter((line) => !line.echo).flatMap((line) =>
    line.to.map((to) => ({ seat: to, what: line.kind, text: line.text })));
  const isRated = (score) => typeof score === "number" && score >= (low ?? -Infinity) && score <= (high ?? Infinity);
  return [...acts, ...heard.filter((line, at) => seat || at === heard.findIndex((l) => l.text === line.text))]
    .filter((each) => (!seat || each.seat === seat) && (!failed || each.failed))
    .filter(({ score }) => (low === undefined && high === undefined) || isRated(score))
    .filter(({ text }) => text.toLowerCase().includes(words))
    .map(({ seat: whose, what, text }) => {
      const at = text.toLowerCase().indexOf(words);
      const excerpt = text.slice(Math.max(0, at - 60), at + 120);
      return { episode, step: turn.step, seat: whose, what, excerpt };
    });
}
