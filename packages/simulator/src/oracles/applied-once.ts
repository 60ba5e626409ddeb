import type { NodeId } from "@synod/core";
import type { Executed } from "./delivered-order.ts";
import type { Order } from "./operation.ts";
import type { Accuse } from "./verdict.ts";

/**
 * Executed once: no request takes effect at two places of the order, whether it is told by client
 * and sequence or by the value that only one operation writes (a resubmission under another name).
 */
export class AppliedOnce {
  readonly #accuse: Accuse;
  readonly #byRequest = new Map<string, Order>();
  readonly #byValue = new Map<string, Order>();
  readonly #forbidden = new Set<string>();

  constructor(accuse: Accuse) {
    this.#accuse = accuse;
  }

  executed(node: NodeId, order: Order, command: Executed): void {
    const request = `${command.client}#${command.sequence}`;
    const first = this.#byRequest.get(request);
    if (command.repeated) return;
    if (first === undefined) this.#byRequest.set(request, order);
    else if (first !== order)
      this.#accuse(
        "once",
        `node ${node} executed ${request} at ${order}, it was at ${first} before`,
      );
  }

  /** A client was told for certain that its put of `value` was not applied, and gave up. */
  forbid(value: string): void {
    this.#forbidden.add(value);
  }

  /** A put of `value` changed the machine at `order`. */
  applied(node: NodeId, order: Order, value: string): void {
    const first = this.#byValue.get(value);
    if (this.#forbidden.has(value))
      this.#accuse("once", `node ${node} wrote ${value}, but its client was told "not applied"`);
    if (first === undefined) this.#byValue.set(value, order);
    else if (first !== order)
      this.#accuse(
        "once",
        `node ${node} wrote ${value} at ${order}, it was written at ${first} before`,
      );
  }

  /** Where this request took effect; undefined: nowhere so far. */
  whereRequest(client: string, sequence: number): Order | undefined {
    return this.#byRequest.get(`${client}#${sequence}`);
  }

  whereValue(value: string): Order | undefined {
    return this.#byValue.get(value);
  }
}
