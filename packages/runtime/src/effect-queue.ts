import {
  assertNever,
  type Checkpoint,
  type Deliver,
  type Effect,
  invariant,
  type JournalRecord,
  type NodeId,
  type Observe,
  type Readable,
  type Release,
  type RequestState,
  type Timer,
} from "@synod/core";

/** Does what the queue has found to be due. */
export interface EffectHandler<M> {
  /** To the end of the journal; a note is nothing that anyone waits for. */
  append(record: JournalRecord, waitedFor: boolean): void;
  checkpoint(effect: Checkpoint): void;
  /** To others only. */
  transmit(to: readonly NodeId[], message: M): void;
  /** A message to oneself: an input of a later step, never of the running one. */
  loopback(message: M): void;
  deliver(effect: Deliver): void;
  release(effect: Release): void;
  readable(effect: Readable): void;
  requestState(effect: RequestState): void;
  timer(effect: Timer): void;
  observe(effect: Observe): void;
}

interface WaitingSend<M> {
  /** Leaves when this many barriers are durable. */
  readonly after: number;
  readonly to: readonly NodeId[];
  readonly message: M;
}

/**
 * Interprets effects: the one place that knows what "program order is durability order" means, used
 * by the host, the simulator and the model checker alike. It counts barriers (`persist`,
 * `checkpoint`); the owner of the disk tells with {@link durable} how many of them are safe, and
 * the sends behind them leave.
 */
export class EffectQueue<M> {
  readonly #self: NodeId;
  readonly #handler: EffectHandler<M>;
  #appended = 0;
  #durable = 0;
  #waiting: WaitingSend<M>[] = [];

  constructor(self: NodeId, handler: EffectHandler<M>) {
    this.#self = self;
    this.#handler = handler;
  }

  /**
   * Barriers handed to the journal so far: pass it to {@link durable} once a sync that began now
   * has ended.
   */
  get appended(): number {
    return this.#appended;
  }

  /** Barriers known to be safe. */
  get durableUpTo(): number {
    return this.#durable;
  }

  /** Sends that wait for the disk. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The effects of one step, after the step has returned. */
  submit(effects: readonly Effect<M>[]): void {
    for (const effect of effects) this.#interpret(effect);
  }

  /**
   * Everything up to the barrier `upTo` is durable. Falling back is a bug; repeating is harmless.
   */
  durable(upTo: number): void {
    invariant(upTo >= this.#durable && upTo <= this.#appended, `durable(${upTo}) out of order`);
    this.#durable = upTo;
    let due = 0;
    while (due < this.#waiting.length && (this.#waiting[due] as WaitingSend<M>).after <= upTo)
      due += 1;
    if (due === 0) return;
    for (const send of this.#waiting.splice(0, due)) this.#leave(send.to, send.message);
  }

  #interpret(effect: Effect<M>): void {
    switch (effect.kind) {
      case "persist":
        this.#appended += 1;
        return this.#handler.append(effect, true);
      case "note":
        return this.#handler.append(effect, false);
      case "checkpoint":
        this.#appended += 1;
        return this.#handler.checkpoint(effect);
      case "send":
        if (this.#durable === this.#appended) return this.#leave(effect.to, effect.message);
        this.#waiting.push({ after: this.#appended, to: effect.to, message: effect.message });
        return;
      case "sendNow":
        invariant(!effect.to.includes(this.#self), "sendNow to oneself");
        return this.#handler.transmit(effect.to, effect.message);
      case "deliver":
        return this.#handler.deliver(effect);
      case "release":
        return this.#handler.release(effect);
      case "readable":
        return this.#handler.readable(effect);
      case "requestState":
        return this.#handler.requestState(effect);
      case "timer":
        return this.#handler.timer(effect);
      case "observe":
        return this.#handler.observe(effect);
      default:
        return assertNever(effect);
    }
  }

  #leave(to: readonly NodeId[], message: M): void {
    if (!to.includes(this.#self)) return this.#handler.transmit(to, message);
    const others = to.filter((node) => node !== this.#self);
    if (others.length > 0) this.#handler.transmit(others, message);
    this.#handler.loopback(message);
  }
}
