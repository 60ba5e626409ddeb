import type { History } from "./history.ts";

/** What {@link EventList.operationAt} says of the two ends. */
export const NO_OPERATION = -1;

/**
 * The calls and returns of a history in the order of time, as a doubly linked list in typed arrays.
 * Events are numbered from 1 in that order; 0 is the head and the last number the tail. A call
 * sorts before a return of the same time, so that the two operations count as concurrent.
 */
export class EventList {
  readonly next: Int32Array;
  readonly #previous: Int32Array;
  /** The operation of an event. */
  readonly operationAt: Int32Array;
  /** 1 for a call. */
  readonly isCall: Uint8Array;
  /** Event of the call, by operation. */
  readonly callOf: Int32Array;
  /** Event of the return, by operation; 0 for none. */
  readonly returnOf: Int32Array;
  readonly tail: number;

  /** Operations that `linked` refuses get their numbers in time, but are not in the list. */
  constructor(operations: History<unknown, unknown>, linked: (operation: number) => boolean) {
    const events = sortedEvents(operations);
    this.tail = events.length + 1;
    this.next = new Int32Array(this.tail + 1);
    this.#previous = new Int32Array(this.tail + 1);
    this.operationAt = new Int32Array(this.tail + 1).fill(NO_OPERATION);
    this.isCall = new Uint8Array(this.tail + 1);
    this.callOf = new Int32Array(operations.length);
    this.returnOf = new Int32Array(operations.length);
    let last = 0;
    for (const [index, { operation, call }] of events.entries()) {
      const event = index + 1;
      this.operationAt[event] = operation;
      this.isCall[event] = call ? 1 : 0;
      (call ? this.callOf : this.returnOf)[operation] = event;
      if (!linked(operation)) continue;
      this.#join(last, event);
      last = event;
    }
    this.#join(last, this.tail);
  }

  /** Takes the call and the return of an operation out of the list. */
  lift(operation: number): void {
    this.#unlink(this.callOf[operation] as number);
    const returned = this.returnOf[operation] as number;
    if (returned !== 0) this.#unlink(returned);
  }

  /** Undoes the last {@link lift} that was not undone yet, which must be that of `operation`. */
  restore(operation: number): void {
    const returned = this.returnOf[operation] as number;
    if (returned !== 0) this.#relink(returned);
    this.#relink(this.callOf[operation] as number);
  }

  #join(event: number, next: number): void {
    this.next[event] = next;
    this.#previous[next] = event;
  }

  #unlink(event: number): void {
    this.#join(this.#previous[event] as number, this.next[event] as number);
  }

  #relink(event: number): void {
    this.next[this.#previous[event] as number] = event;
    this.#previous[this.next[event] as number] = event;
  }
}

interface TimedEvent {
  readonly operation: number;
  readonly call: boolean;
  readonly time: number;
}

function sortedEvents(operations: History<unknown, unknown>): TimedEvent[] {
  const events: TimedEvent[] = [];
  for (const [operation, { call, returned }] of operations.entries()) {
    events.push({ operation, call: true, time: call });
    if (returned !== null) events.push({ operation, call: false, time: returned });
  }
  return events.sort(
    (a, b) => a.time - b.time || Number(b.call) - Number(a.call) || a.operation - b.operation,
  );
}
