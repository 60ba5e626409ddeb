export interface PaceLimits {
  readonly outstandingMax: number;
  readonly resubmitMs: number;
}

/** A request that was handed to the protocol. Times in ms, of one clock. */
export interface UnderWay {
  readonly handedAt: number;
  /** From its arrival to its deadline. */
  readonly allowedMs: number;
}

/** Weight of one more answer in the mean time that answers take. */
const GAIN = 1 / 8;
/** A wide window grows by this with each answer: by an eighth in the time that answers take. */
const GROWTH = 1 / 8;

/**
 * How many requests of one node are under way at a time, and when one of them is taken for lost:
 * learned from how long answers take. Half of what a request is allowed may be spent on waiting for
 * its turn, the other half on being chosen. An answer that comes later than that says that too much
 * is under way: more of it would only be chosen when nobody waits for it any more, and be asked
 * again on top of that, for good. As in TCP, the window shrinks by half then, and grows by and by.
 */
export class Pace {
  readonly #limits: PaceLimits;
  #window: number;
  /** What was handed over before this says nothing of the window that is in force. */
  #shrunkAt = Number.NEGATIVE_INFINITY;
  /** Mean time from handing over to the answer, resubmissions included; 0: no answer so far. */
  #answerMs = 0;

  constructor(limits: PaceLimits) {
    this.#limits = limits;
    this.#window = limits.outstandingMax;
  }

  /** Ms without an answer after which a request is taken for lost. */
  get pauseMs(): number {
    return Math.max(this.#limits.resubmitMs, 2 * this.#answerMs);
  }

  /** One more can be handed over while `underWay` others are. */
  hasRoom(underWay: number): boolean {
    return underWay < this.#window;
  }

  /** Behind `waiting` others, a request would get its turn too late. */
  comesTooLate(waiting: number, allowedMs: number): boolean {
    return (waiting * this.#answerMs) / this.#window > allowedMs / 2;
  }

  /** `underWay`: how many were, this one included. */
  answered(request: UnderWay, now: number, underWay: number): void {
    const tookMs = now - request.handedAt;
    this.#answerMs += (tookMs - this.#answerMs) * (this.#answerMs === 0 ? 1 : GAIN);
    if (this.#isLate(request, now)) return this.#shrink(request, now, underWay);
    // Nothing is known of a wider window while this one is not used.
    if (this.hasRoom(underWay + 1)) return;
    const grown = this.#window + Math.max(1 / this.#window, GROWTH);
    this.#window = Math.min(grown, this.#limits.outstandingMax);
  }

  /** Its deadline passed without an answer. */
  missed(request: UnderWay, now: number, underWay: number): void {
    if (this.#isLate(request, now)) this.#shrink(request, now, underWay);
  }

  /** Clients that allow less than anybody could keep to do not slow down the others. */
  #isLate({ handedAt, allowedMs }: UnderWay, now: number): boolean {
    return now - handedAt > Math.max(allowedMs / 2, this.#limits.resubmitMs);
  }

  #shrink({ handedAt }: UnderWay, now: number, underWay: number): void {
    if (handedAt < this.#shrunkAt) return;
    this.#shrunkAt = now;
    this.#window = Math.max(1, Math.min(this.#window, underWay) / 2);
  }
}
