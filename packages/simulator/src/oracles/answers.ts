import type { AppliedOnce } from "./applied-once.ts";
import type { MachineState } from "./machine-state.ts";
import { type Operation, type Order, orderOf, positionOf } from "./operation.ts";
import type { Accuse } from "./verdict.ts";

/**
 * What clients were told is true. A write that was acknowledged took effect where the answer says.
 * A read is linearizable: it shows a moment no earlier than anything acknowledged before it began
 * and no later than what was executed when it ended. Positions told to one client never decrease.
 */
export class Answers {
  readonly #accuse: Accuse;
  readonly #once: AppliedOnce;
  readonly #state: MachineState;
  #floor: Order = 0;
  #acknowledgedWrites = 0;
  readonly #acknowledgedOf = new Map<string, Order>();

  constructor(accuse: Accuse, once: AppliedOnce, state: MachineState) {
    this.#accuse = accuse;
    this.#once = once;
    this.#state = state;
  }

  /** Highest order of which some client knows. */
  get floor(): Order {
    return this.#floor;
  }

  get acknowledgedWrites(): number {
    return this.#acknowledgedWrites;
  }

  /** Order of the last write of `key` that a client knows of; 0 for none. */
  acknowledgedOf(key: string): Order {
    return this.#acknowledgedOf.get(key) ?? 0;
  }

  /** The client got a definite good answer for a write. */
  written(operation: Operation, position: number, repeated: boolean): void {
    const order = this.#whereWritten(operation, position);
    if (order === undefined) return;
    if (positionOf(order) !== position)
      this.#accuse(
        "answer",
        `operation ${operation.id} was told position ${position}, ` +
          `it took effect at ${positionOf(order)}`,
      );
    if (!repeated) this.#monotone(operation, position);
    this.#acknowledgedWrites += 1;
    this.#floor = Math.max(this.#floor, order);
    this.#acknowledgedOf.set(operation.key, Math.max(this.acknowledgedOf(operation.key), order));
  }

  /** The client got an answer to a read. */
  seen(operation: Operation, position: number, value: string | null): void {
    const { key, id, kind } = operation;
    const told = this.#state.valueAt(key, orderOf(position + 1, 0) - 1);
    if (told !== value)
      this.#accuse(
        "read",
        `read ${id} of ${key} at ${position} got ${value}, there it was ${told}`,
      );
    if (kind === "stale-get") return;
    this.#monotone(operation, position);
    const moment = this.#state.momentOf(key, value, operation.floor);
    if (moment === undefined)
      return this.#accuse(
        "read",
        `read ${id} of ${key} got ${value}, which was over before it began (${operation.floor})`,
      );
    this.#floor = Math.max(this.#floor, moment);
  }

  /**
   * Every attempt of a put was answered with a definite "not applied": it has not been, and never
   * will be.
   */
  refused(operation: Operation): void {
    if (operation.kind !== "put") return;
    const order = this.#once.whereValue(operation.value);
    if (order !== undefined)
      this.#accuse(
        "answer",
        `operation ${operation.id} was told "not applied", it took effect at ${order}`,
      );
    this.#once.forbid(operation.value);
  }

  #whereWritten(operation: Operation, position: number): Order | undefined {
    const { session, kind, value } = operation;
    // Removals without a session all look alike: the answer's own position is what is known of
    // them.
    const anonymous = kind === "put" ? this.#once.whereValue(value) : orderOf(position, 0);
    const order =
      session === null ? anonymous : this.#once.whereRequest(session.client, session.sequence);
    if (order === undefined)
      this.#accuse(
        "answer",
        `${kind} ${operation.id} of client ${operation.client} ` +
          `(${session?.client ?? "no session"}#${session?.sequence ?? 0}) ` +
          `was acknowledged at ${position}, but never took effect`,
      );
    return order;
  }

  #monotone(operation: Operation, position: number): void {
    if (position < operation.clientFloor)
      this.#accuse(
        "monotone",
        `client ${operation.client} was told position ${position} after ${operation.clientFloor}`,
      );
  }
}
