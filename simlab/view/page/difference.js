/** Two episodes beside each other, which may both go on, and where they part. */

export class Pair {
  /**
   * @param {Turns} turns Of the one.
   * @param {Turns} others Of the other, perhaps of another run.
   */
  constructor(turns, others) {
    Object.assign(this, { turns, others, step: null, what: [], agreed: 0, isAsked: false, looking: null });
  }

  /**
   * Look for the first turn in which they differ, from where they are known to agree. Who asks while
   * it is looked for has it looked on for afterwards, and never twice at once.
   */
  seek() {
    this.isAsked = true;
    this.looking ??= this.look().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  async look() {
    while (this.isAsked && this.step === null) {
      this.isAsked = false;
      const found = await this.lookOn();
      if (found.step !== null && !this.isOpenEnd(found.step)) Object.assign(this, { step: found.step, what: found.what });
    }
  }

  /** Compare all there is; each answer is a bounded stretch. */
  async lookOn() {
    const { turns, others } = this;
    for (;;) {
      const found = await turns.source.difference(
        turns.episode.episode, others.episode.episode, others.source, this.agreed);
      this.agreed = found.next ?? this.agreed;
      if (found.step !== null || found.complete) return found;
    }
  }

  /** That one of them has come less far is no difference while either goes on. */
  isOpenEnd(step) {
    const pair = [this.turns, this.others];
    return pair.some(({ episode }) => episode.state === "unfinished") && step >= Math.min(...pair.map(({ n }) => n));
  }
}
