import { EventList } from "./event-list.ts";
import { combine, toggle, zobristWords } from "./fingerprint.ts";
import { type Automaton, EXHAUSTED, ILLEGAL } from "./model.ts";
import type { Problem } from "./problem.ts";
import type { VisitedSet } from "./visited-set.ts";

export type SearchStatus = "running" | "linearizable" | "illegal" | "exhausted";

export interface SearchOptions {
  readonly problem: Problem<unknown, unknown>;
  /** May be shared by several searches that differ in `salt`. */
  readonly visited: VisitedSet;
  readonly salt: number;
  /**
   * Operations, by index, that need no place in the order, but may take effect any number of times
   * within their own time. They stand for what a counter-example leaves out.
   */
  readonly loose?: readonly number[];
}

interface Frame {
  /** The operation put into the order; -1: a loose one. */
  readonly operation: number;
  readonly state: number;
  readonly cursor: number;
  readonly looseCursor: number;
  readonly frontier: number;
  readonly latestCall: number;
  /** Length of the order before. */
  readonly length: number;
}

/**
 * The search of Wing and Gong (J. Parallel Distrib. Comput. 1993) with the memoisation of Lowe
 * (Concurrency and Computation 2017), in slices of any number of steps. Three observations cut it
 * down; each replaces a choice by one that is as good as all others:
 *
 * - an operation that never changes a state is put into the order as soon as it is legal there;
 * - of operations that act alike, the one whose answer came first goes first;
 * - an operation without an answer is not put where it changes nothing.
 */
export class Search {
  readonly #automaton: Automaton;
  readonly #events: EventList;
  readonly #visited: VisitedSet;
  readonly #loose: readonly number[];
  readonly #preserves: Uint8Array;
  /** The operation that acts alike and was answered just before; -1 for none. */
  readonly #twin: Int32Array;
  readonly #lifted: Uint8Array;
  readonly #words: Int32Array;
  readonly #set: Int32Array;
  readonly #print = new Int32Array(4);
  readonly #frames: Frame[] = [];
  readonly #order: number[] = [];
  #state: number;
  #cursor = 0;
  #looseCursor = 0;
  /** The first event in the list that is not a call. */
  #frontier = 0;
  /** The latest call in the order, of operations that may change a state. */
  #latestCall = 0;
  #furthest = 0;
  #steps = 0;
  #status: SearchStatus = "running";

  constructor(options: SearchOptions) {
    const { problem, visited, salt, loose = [] } = options;
    const { operations, automaton, preserves } = problem;
    const isLoose = new Set(loose);
    this.#automaton = automaton;
    this.#events = new EventList(operations, (operation) => !isLoose.has(operation));
    this.#visited = visited;
    // What changes nothing does so in its time as well.
    this.#loose = loose.filter((operation) => preserves[operation] === 0);
    this.#preserves = preserves;
    this.#twin = twins(problem, this.#events, isLoose);
    this.#lifted = new Uint8Array(operations.length);
    this.#words = zobristWords(operations.length, salt);
    this.#set = zobristWords(1, salt + 0x5bd1);
    this.#state = automaton.initial;
    this.#enter();
  }

  get status(): SearchStatus {
    return this.#status;
  }

  /** How often the model was asked. */
  get steps(): number {
    return this.#steps;
  }

  /** Operations in a legal order, by index, once the status is "linearizable". */
  get order(): readonly number[] {
    return this.#order;
  }

  /** The operation whose answer no order explains, once the status is "illegal". */
  get culprit(): number {
    return this.#events.operationAt[this.#furthest] as number;
  }

  /** Goes on for about `steps` more steps. */
  run(steps: number): SearchStatus {
    const until = this.#steps + steps;
    while (this.#status === "running" && this.#steps < until) {
      if (this.#cursor !== this.#frontier) this.#tryCall();
      else if (this.#looseCursor < this.#loose.length) this.#tryLoose();
      else this.#backtrack();
    }
    return this.#status;
  }

  #tryCall(): void {
    const operation = this.#events.operationAt[this.#cursor] as number;
    this.#cursor = this.#events.next[this.#cursor] as number;
    if (this.#waitsForTwin(operation)) return;
    const next = this.#step(operation);
    if (next === ILLEGAL) return;
    if (next === this.#state && this.#events.returnOf[operation] === 0) return;
    this.#push(operation, next);
  }

  #tryLoose(): void {
    const operation = this.#loose[this.#looseCursor] as number;
    this.#looseCursor += 1;
    if ((this.#events.callOf[operation] as number) > this.#frontier) return;
    const returned = this.#events.returnOf[operation] as number;
    if (returned !== 0 && returned < this.#latestCall) return;
    const next = this.#step(operation);
    if (next !== ILLEGAL && next !== this.#state) this.#push(-1, next);
  }

  #step(operation: number): number {
    this.#steps += 1;
    const next = this.#automaton.step(this.#state, operation);
    if (next !== EXHAUSTED) return next;
    this.#status = "exhausted";
    return ILLEGAL;
  }

  #waitsForTwin(operation: number): boolean {
    const twin = this.#twin[operation] as number;
    if (twin < 0 || this.#lifted[twin] === 1) return false;
    const called = this.#events.callOf[twin] as number;
    if (called < (this.#events.callOf[operation] as number)) return true;
    // A twin that was called later would end the time of loose operations too early.
    return this.#loose.length === 0 && called < this.#frontier;
  }

  #push(operation: number, next: number): void {
    this.#frames.push({
      operation,
      state: this.#state,
      cursor: this.#cursor,
      looseCursor: this.#looseCursor,
      frontier: this.#frontier,
      latestCall: this.#latestCall,
      length: this.#order.length,
    });
    if (operation >= 0) this.#lift(operation);
    this.#state = next;
    this.#enter();
  }

  /** Begins with a new configuration, unless it has been explored already. */
  #enter(): void {
    this.#absorb();
    if (this.#frontier === this.#events.tail) {
      this.#status = "linearizable";
      return;
    }
    this.#furthest = Math.max(this.#furthest, this.#frontier);
    combine(this.#set, this.#state, this.#print);
    if (!this.#visited.add(this.#print)) return this.#backtrack();
    this.#cursor = this.#events.next[0] as number;
    this.#looseCursor = 0;
  }

  /**
   * Puts every legal operation that never changes a state into the order, and finds the frontier.
   */
  #absorb(): void {
    const { next, isCall, operationAt } = this.#events;
    let before = 0;
    let event = next[0] as number;
    while (isCall[event] === 1) {
      const operation = operationAt[event] as number;
      if (this.#preserves[operation] === 1 && this.#step(operation) === this.#state)
        this.#lift(operation);
      else before = event;
      event = next[before] as number;
    }
    this.#frontier = event;
  }

  #lift(operation: number): void {
    this.#events.lift(operation);
    this.#lifted[operation] = 1;
    toggle(this.#set, this.#words, operation);
    this.#order.push(operation);
    if (this.#preserves[operation] === 0)
      this.#latestCall = Math.max(this.#latestCall, this.#events.callOf[operation] as number);
  }

  #backtrack(): void {
    const frame = this.#frames.pop();
    if (frame === undefined) {
      this.#status = "illegal";
      return;
    }
    while (this.#order.length > frame.length) {
      const operation = this.#order.pop() as number;
      this.#events.restore(operation);
      this.#lifted[operation] = 0;
      toggle(this.#set, this.#words, operation);
    }
    this.#state = frame.state;
    this.#cursor = frame.cursor;
    this.#looseCursor = frame.looseCursor;
    this.#frontier = frame.frontier;
    this.#latestCall = frame.latestCall;
  }
}

function twins(
  { operations, likeness }: Problem<unknown, unknown>,
  { callOf, returnOf, tail }: EventList,
  loose: ReadonlySet<number>,
): Int32Array {
  const twin = new Int32Array(operations.length).fill(-1);
  const last = new Map<number, number>();
  const deadline = (index: number): number => (returnOf[index] as number) || tail;
  const byDeadline = [...operations.keys()]
    .filter((index) => !loose.has(index))
    .sort((a, b) => deadline(a) - deadline(b) || (callOf[a] as number) - (callOf[b] as number));
  for (const index of byDeadline) {
    const like = likeness[index] as number;
    twin[index] = last.get(like) ?? -1;
    last.set(like, index);
  }
  return twin;
}
