import type { Position } from "@synod/core";

/** One executed request of a session, kept until its client has acknowledged it. */
export interface Answer {
  readonly kind: "answer";
  readonly sequence: number;
  /** Where it was executed. */
  readonly position: Position;
  readonly result: Uint8Array;
  /**
   * `hash64` of the payload in user sessions; empty in those of nodes, which never reuse a
   * sequence.
   */
  readonly digest: string;
}

/** Stands where an answer has been forgotten, so that its result can be collected. */
const FORGOTTEN: Answer = Object.freeze({
  kind: "answer",
  sequence: 0,
  position: Object.freeze({ log: 0, index: 0 }),
  result: new Uint8Array(0),
  digest: "",
});

/** Forgotten places at the front that are not worth moving the rest for. */
const FORGOTTEN_MAX = 32;

/**
 * The executed requests of one client at or above a floor, in ascending order of their sequences.
 * Almost every request comes with a sequence above all others, so that is the fast path.
 */
export class AnswerWindow {
  #answers: Answer[];
  /** Index of the lowest answer that is kept. */
  #head = 0;
  #floor: number;

  constructor(floor: number, answers: Answer[] = []) {
    this.#floor = floor;
    this.#answers = answers;
  }

  /** Sequences below were acknowledged, or forgotten for lack of room. */
  get floor(): number {
    return this.#floor;
  }

  get size(): number {
    return this.#answers.length - this.#head;
  }

  /** The `index`-th lowest answer that is kept. */
  at(index: number): Answer {
    return this.#answers[this.#head + index] as Answer;
  }

  find(sequence: number): Answer | null {
    const answers = this.#answers;
    if (this.size === 0 || (answers[answers.length - 1] as Answer).sequence < sequence) return null;
    const answer = answers[this.#lowerBound(sequence)] as Answer;
    return answer.sequence === sequence ? answer : null;
  }

  /** Keeps an answer whose sequence is at or above the floor and not here yet. */
  add(answer: Answer): void {
    const answers = this.#answers;
    const last = answers.length - 1;
    if (this.size === 0 || (answers[last] as Answer).sequence < answer.sequence)
      answers.push(answer);
    else answers.splice(this.#lowerBound(answer.sequence), 0, answer);
  }

  /** Forgets all answers below `floor`; lower floors than before change nothing. */
  raise(floor: number): void {
    if (floor <= this.#floor) return;
    this.#floor = floor;
    const answers = this.#answers;
    while (this.#head < answers.length && (answers[this.#head] as Answer).sequence < floor) {
      answers[this.#head] = FORGOTTEN;
      this.#head += 1;
    }
    if (this.#head > FORGOTTEN_MAX && this.#head * 2 > answers.length) {
      this.#answers = answers.slice(this.#head);
      this.#head = 0;
    }
  }

  /**
   * Forgets the lowest answers, and raises the floor over them, until at most `sizeMax` are left.
   */
  shrink(sizeMax: number): void {
    if (this.size > sizeMax) this.raise(this.at(this.size - sizeMax - 1).sequence + 1);
  }

  copy(): AnswerWindow {
    return new AnswerWindow(this.#floor, this.#answers.slice(this.#head));
  }

  /**
   * Index in `#answers` of the lowest kept answer that is not below `sequence`; there must be one.
   */
  #lowerBound(sequence: number): number {
    let low = this.#head;
    let high = this.#answers.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#answers[middle] as Answer).sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
