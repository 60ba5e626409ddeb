import type {
  Checkpoint,
  Clock,
  Deliver,
  Input,
  JournalRecord,
  NodeId,
  Observe,
  PortError,
  Protocol,
  ProtocolStatus,
  Readable,
  Release,
  ReplicaSettings,
  RequestState,
  Timer,
} from "@synod/core";
import { type EffectHandler, EffectQueue } from "../effect-queue.ts";
import type { JournalStore } from "../journal/journal-store.ts";

/** Where the effects of a replica go that are not the journal's or a timer's. */
export interface ReplicaHandler<M> {
  transmit(to: readonly NodeId[], message: M): void;
  deliver(effect: Deliver): void;
  release(effect: Release): void;
  readable(effect: Readable): void;
  requestState(effect: RequestState): void;
  observe(effect: Observe): void;
  /** The journal could not be written: `no-space` is tried again, everything else is final. */
  journalFailed(error: PortError): void;
  journalWorks(): void;
}

export interface ReplicaOptions<S, M> {
  readonly protocol: Protocol<S, M>;
  readonly settings: ReplicaSettings;
  readonly clock: Clock;
  readonly journal: JournalStore;
  readonly handler: ReplicaHandler<M>;
}

/** How long notes wait for a barrier to travel with before they are flushed on their own. */
const NOTES_WAIT_MS = 50;
const NO_SPACE_RETRY_MS = 1000;

/**
 * Drives one protocol replica: feeds inputs one at a time, interprets the effects through the
 * queue, gathers what steps appended until the turn ends, and lets one flush serve all of it.
 */
export class Replica<S, M> implements EffectHandler<M> {
  readonly #protocol: Protocol<S, M>;
  readonly #state: S;
  readonly #clock: Clock;
  readonly #journal: JournalStore;
  readonly #handler: ReplicaHandler<M>;
  readonly #queue: EffectQueue<M>;
  readonly #timers = new Map<string, number>();
  #inbox: Input<M>[] = [];
  #stepping = false;
  #flushing = false;
  #flushAsked = false;
  #notesTimer: number | null = null;
  #stopped = false;
  #closed: (() => void) | null = null;
  readonly #self: NodeId;

  constructor(options: ReplicaOptions<S, M>) {
    this.#protocol = options.protocol;
    this.#state = options.protocol.create(options.settings);
    this.#clock = options.clock;
    this.#journal = options.journal;
    this.#handler = options.handler;
    this.#self = options.settings.self;
    this.#queue = new EffectQueue(options.settings.self, this);
  }

  status(): ProtocolStatus {
    return this.#protocol.status(this.#state);
  }

  /** Sends and persists that wait for the disk. */
  get waitingForDisk(): number {
    return this.#queue.waiting + (this.#queue.appended - this.#queue.durableUpTo);
  }

  /**
   * One input, and whatever it makes this replica tell itself. Not from within an effect's handler.
   */
  input(input: Input<M>): void {
    if (this.#stopped) return;
    this.#inbox.push(input);
    if (this.#stepping) return;
    this.#drainInbox();
    this.#askFlush();
  }

  /**
   * No step, no effect, no timer after this; `closed` once what was appended is durable, or cannot
   * be.
   */
  close(closed: () => void): void {
    this.stop();
    this.#closed = closed;
    if (!this.#flushing) this.#lastFlush();
  }

  /** No step, no effect, no timer after this. */
  stop(): void {
    this.#stopped = true;
    this.#inbox = [];
    for (const handle of this.#timers.values()) this.#clock.clearTimer(handle);
    this.#timers.clear();
    if (this.#notesTimer !== null) this.#clock.clearTimer(this.#notesTimer);
  }

  append(record: JournalRecord, waitedFor: boolean): void {
    this.#journal.append(record);
    if (!waitedFor && this.#notesTimer === null) {
      this.#notesTimer = this.#clock.setTimer(NOTES_WAIT_MS, () => {
        this.#notesTimer = null;
        this.#flush();
      });
    }
  }

  checkpoint(effect: Checkpoint): void {
    this.#journal.checkpoint(effect.records);
  }

  transmit(to: readonly NodeId[], message: M): void {
    this.#handler.transmit(to, message);
  }

  loopback(message: M): void {
    this.#inbox.push({ kind: "message", from: this.#self, message });
  }

  deliver(effect: Deliver): void {
    this.#handler.deliver(effect);
  }

  release(effect: Release): void {
    this.#handler.release(effect);
  }

  readable(effect: Readable): void {
    this.#handler.readable(effect);
  }

  requestState(effect: RequestState): void {
    this.#handler.requestState(effect);
  }

  observe(effect: Observe): void {
    this.#handler.observe(effect);
  }

  timer(effect: Timer): void {
    const { name, ms } = effect;
    const before = this.#timers.get(name);
    if (before !== undefined) this.#clock.clearTimer(before);
    this.#timers.delete(name);
    if (ms === null) return;
    const handle = this.#clock.setTimer(ms, () => {
      this.#timers.delete(name);
      this.input({ kind: "timeout", name });
    });
    this.#timers.set(name, handle);
  }

  /**
   * What this turn appends is gathered: the flush begins when the outside has delivered all it has.
   */
  #askFlush(): void {
    if (this.#flushAsked || this.#flushing || !this.#owesFlush()) return;
    this.#flushAsked = true;
    this.#clock.defer(() => {
      this.#flushAsked = false;
      if (this.#owesFlush()) this.#flush();
    });
  }

  #owesFlush(): boolean {
    return this.#queue.appended > this.#queue.durableUpTo;
  }

  #flush(): void {
    if (this.#flushing || this.#stopped) return;
    this.#flushing = true;
    const barrier = this.#queue.appended;
    this.#journal.flush((error) => {
      this.#flushing = false;
      if (this.#stopped) return this.#lastFlush();
      if (error === null) return this.#flushed(barrier);
      this.#handler.journalFailed(error);
      if (error.code === "no-space") this.#clock.setTimer(NO_SPACE_RETRY_MS, () => this.#flush());
    });
  }

  #flushed(barrier: number): void {
    this.#handler.journalWorks();
    this.#queue.durable(barrier);
    this.#drainInbox();
    // What gathered during this flush goes out with the next one at once: the disk is the clock.
    if (this.#owesFlush()) this.#flush();
  }

  #lastFlush(): void {
    const closed = this.#closed;
    this.#closed = null;
    if (closed !== null) this.#journal.flush(() => this.#journal.close(() => closed()));
  }

  #drainInbox(): void {
    this.#stepping = true;
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift())
      this.#queue.submit(this.#protocol.step(this.#state, next, this.#clock.now()));
    this.#stepping = false;
  }
}
