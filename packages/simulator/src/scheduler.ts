/** Who an event belongs to when it is nobody's: it happens even if every node is paused. */
export const NOBODY = -1;

interface Event {
  /** Virtual ms. */
  time: number;
  /** Ties are broken by the order of scheduling. */
  readonly sequence: number;
  readonly owner: number;
  readonly kind: EventKind;
  run: (() => void) | null;
}

interface Pause {
  until: number;
  /** What would have happened meanwhile, in order. */
  readonly held: Event[];
  /** Told once, when time goes on. */
  readonly ended: (() => void)[];
}

/** What an event is, for hash chains and traces. */
export type EventKind =
  | "timer"
  | "defer"
  | "disk"
  | "frame"
  | "link"
  | "client"
  | "fault"
  | "world";

/** Numbered for the hash chain. */
const KIND_NUMBERS: Readonly<Record<EventKind, number>> = Object.freeze({
  timer: 1,
  defer: 2,
  disk: 3,
  frame: 4,
  link: 5,
  client: 6,
  fault: 7,
  world: 8,
});

/**
 * Virtual time: one heap of events, earliest first, ties in the order they were scheduled.
 * Everything that happens in a simulated world happens in {@link step}, one event at a time, in one
 * thread.
 */
export class Scheduler {
  readonly #heap: Event[] = [];
  readonly #handles = new Map<number, Event>();
  readonly #pauses = new Map<number, Pause>();
  readonly #onEvent: ((kind: number, owner: number, time: number) => void) | null;
  #now = 0;
  #sequence = 0;
  #steps = 0;

  /** `onEvent` is told every event before it runs: the hash chain. */
  constructor(onEvent: ((kind: number, owner: number, time: number) => void) | null = null) {
    this.#onEvent = onEvent;
  }

  /** Virtual ms since the beginning of the world. */
  get now(): number {
    return this.#now;
  }

  /** Events that have run. */
  get steps(): number {
    return this.#steps;
  }

  /** Events waiting. */
  get size(): number {
    return this.#heap.length;
  }

  /** Runs `run` after `ms`. The handle of a timer is for {@link cancel}. */
  after(ms: number, owner: number, kind: EventKind, run: () => void): number {
    const sequence = this.#sequence + 1;
    this.#sequence = sequence;
    const event: Event = { time: this.#now + Math.max(0, ms), sequence, owner, kind, run };
    this.#push(event);
    if (kind === "timer") this.#handles.set(sequence, event);
    return sequence;
  }

  /** Forgets an event; one that has run already is none of anyone's concern. */
  cancel(handle: number): void {
    const event = this.#handles.get(handle);
    if (event === undefined) return;
    event.run = null;
    this.#handles.delete(handle);
  }

  /**
   * Stops time for `owner`: its events wait for the end of the pause and then come in their old
   * order. `ended` runs before them.
   */
  pause(owner: number, ms: number, ended: (() => void) | null = null): void {
    const until = this.#now + ms;
    const pause: Pause = this.#pauses.get(owner) ?? { until: 0, held: [], ended: [] };
    if (ended !== null) pause.ended.push(ended);
    if (until <= pause.until) return;
    pause.until = until;
    this.#pauses.set(owner, pause);
    this.after(ms, NOBODY, "world", () => {
      if (pause.until <= this.#now) this.resume(owner);
    });
  }

  /** Time goes on for `owner`. */
  resume(owner: number): void {
    const pause = this.#pauses.get(owner);
    if (pause === undefined) return;
    this.#pauses.delete(owner);
    for (const ended of pause.ended) ended();
    for (const event of pause.held) {
      event.time = this.#now;
      this.#push(event);
    }
  }

  /** Runs the next event. False when there is none. */
  step(): boolean {
    for (;;) {
      const event = this.#pop();
      if (event === undefined) return false;
      if (event.run === null) continue;
      const pause = this.#pauses.get(event.owner);
      if (pause !== undefined) {
        pause.held.push(event);
        continue;
      }
      if (event.kind === "timer") this.#handles.delete(event.sequence);
      this.#now = event.time;
      this.#steps += 1;
      this.#onEvent?.(KIND_NUMBERS[event.kind], event.owner, event.time);
      event.run();
      return true;
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Event;
      if (!before(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as Event)) child += 1;
      const below = heap[child] as Event;
      if (!before(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Event, b: Event): boolean {
  return a.time !== b.time ? a.time < b.time : a.sequence < b.sequence;
}
