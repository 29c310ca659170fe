/** Where two episodes part, which may both go on. */

/**
 * The first turn in which two episodes differ, and what does; `step` is null as long as none does.
 * That one of them has come less far is no difference while either goes on.
 *
 * @param {Turns} turns Of the one.
 * @param {Turns} others Of the other, perhaps of another run.
 */
export async function firstDifference(turns, others) {
  const found = await turns.source.difference(turns.episode.episode, others.episode.episode, others.source);
  const goesOn = [turns, others].some(({ episode }) => episode.state === "unfinished");
  const isEnd = found.step !== null && found.step >= Math.min(turns.n, others.n);
  return goesOn && isEnd ? { step: null, what: [] } : { step: found.step, what: found.what ?? [] };
}
