/** The order of the list of runs: what is shown of it, in which groups, and what comes first. */

export const SORTS = {
  newest: ["newest first", (run) => [run.created ?? (run.state === "unread" ? "" : "~"), true]],
  name: ["by name", (run) => [run.run, false]],
  state: ["by state", (run) => [Object.keys(STATES).indexOf(run.state), false]],
  steps: ["most turns", (run) => [run.n_steps ?? -1, true]],
  tokens: ["most tokens", (run) => [run.tokens ?? -1, true]],
  dollars: ["dearest", (run) => [run.dollars ?? -1, true]],
  failed: ["most failures", (run) => [run.n_failed ?? -1, true]],
};

export const STATES = {
  running: "●", stopped: "◌", finished: "✓", unreadable: "⚠", unread: "…",
};

/**
 * The entries of the list: runs, and the heads of groups above theirs.
 *
 * @param {object} found `runs`, `trainings`, `sweeps` and runs `elsewhere`, as the server tells them.
 * @param {object} wanted `text` and `state` to filter by, and the name of a sort.
 * @param {(key: string, usual: boolean) => boolean} isOpen Whether a group shows its runs.
 */
export function entriesOf({ runs, trainings, sweeps, elsewhere }, { text, state, sort }, isOpen) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row) => (!state || row.state === state) && has(row, words);
  const shown = [...elsewhere, ...runs].filter(fits);
  const studies = [...trainings.map((each) => ({ ...each, kind: "training" })),
                   ...sweeps.map((each) => ({ ...each, kind: "sweep" }))];
  if (words.length || state || sort !== "newest")
    return [...studies.filter(fits).map(headOf), ...sorted(shown, sort).map(entryOf)];
  const live = shown.filter((run) => run.state === "running");
  return [...live.map(entryOf), ...grouped(shown.filter((run) => run.state !== "running"), studies, isOpen)];
}

const entryOf = (run, depth) => ({ key: run.run, run, depth: depth === true ? 1 : 0 });

const headOf = (group) => ({ key: `${group.kind} ${group.key}`, group });

function has(row, words) {
  const told = [row.run, row.key, row.name, row.description, row.world, row.error, ...(row.models ?? [])]
    .filter(Boolean).join(" ").toLowerCase();
  return words.every((word) => told.includes(word));
}

function sorted(runs, sort) {
  const [, worth] = SORTS[sort];
  return [...runs].sort((one, other) => {
    const [[a, down], [b]] = [worth(one), worth(other)];
    return (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
  });
}

/** Runs below the trainings, sweeps and folders that they are in, the newest group first. */
function grouped(runs, studies, isOpen) {
  const outermost = [...studies].sort((one, other) => one.path.length - other.path.length);
  const groups = new Map(studies.map((each) => [`${each.kind} ${each.key}`, { ...each, runs: [] }]));
  const order = [];
  for (const run of sorted(runs, "newest")) {
    const study = outermost.find(({ path }) => run.path.startsWith(`${path}/`));
    const folder = run.run.split("/").slice(0, -1).join("/");
    const key = study ? `${study.kind} ${study.key}` : `folder ${folder}`;
    if (!study && !folder) {
      order.push(entryOf(run));
      continue;
    }
    if (!groups.has(key)) groups.set(key, { key: folder, name: folder, kind: "folder", runs: [] });
    groups.get(key).runs.push(run);
    if (!order.includes(key)) order.push(key);
  }
  const inner = new Set(studies.filter((each) => outermost.some(({ path }) =>
    each.path.startsWith(`${path}/`))).map(({ kind, key }) => `${kind} ${key}`));
  order.unshift(...[...groups.keys()].filter((key) => !order.includes(key) && !inner.has(key)));
  return order.flatMap((each) => (typeof each === "string" ? unfolded(groups.get(each), isOpen) : each));
}

function unfolded({ runs, ...group }, isOpen) {
  const head = headOf({ ...group, n: runs.length });
  head.isOpen = isOpen(head.key, group.kind === "folder");
  return [head, ...(head.isOpen ? runs.map((run) => entryOf(run, true)) : [])];
}
