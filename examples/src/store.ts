import type { OrderedMessage, TotalOrder } from "@synod/node";

/**
 * - `linearizable`: reflects every `put` that was fulfilled anywhere before this call.
 * - `local`: what this replica has, at once; it may be behind, but never goes back.
 */
export type Consistency = "linearizable" | "local";

/**
 * A key-value store on a total order: every replica applies the same puts in the same order, so all
 * of them hold the same. It lives in memory and is made anew from the order at each start; a store
 * that is to hold more than the order keeps is a state machine of its own, for `createNode`.
 */
export class KeyValueStore {
  readonly #order: TotalOrder;
  readonly #values = new Map<string, string>();
  readonly #running: Promise<void>;
  #applied = 0;
  #waiting: { readonly offset: number; readonly applied: () => void }[] = [];

  constructor(order: TotalOrder) {
    this.#order = order;
    this.#running = this.#run();
  }

  /** Fulfilled once the value is here; it is then chosen for all replicas, and never lost. */
  async put(key: string, value: string): Promise<void> {
    const payload = new TextEncoder().encode(JSON.stringify({ key, value }));
    await this.#appliedTo(await this.#order.broadcast(payload));
  }

  /** Rejected with `value not available for <key>` if there is none. */
  async get(key: string, consistency: Consistency = "linearizable"): Promise<string> {
    if (consistency === "linearizable") await this.#appliedTo(await this.#order.ordered());
    const value = this.#values.get(key);
    if (value === undefined) throw new Error(`value not available for ${key}`);
    return value;
  }

  /** Fulfilled when the order has ended; rejected if this replica could not follow it. */
  get stopped(): Promise<void> {
    return this.#running;
  }

  async #run(): Promise<void> {
    for await (const message of this.#order.deliver({ after: 0 })) this.#apply(message);
  }

  #apply({ offset, payload }: OrderedMessage): void {
    const { key, value } = JSON.parse(new TextDecoder().decode(payload));
    this.#values.set(key, value);
    this.#applied = offset;
    const due = this.#waiting.filter((waiter) => waiter.offset <= offset);
    this.#waiting = this.#waiting.filter((waiter) => waiter.offset > offset);
    for (const { applied } of due) applied();
  }

  #appliedTo(offset: number): Promise<void> {
    if (this.#applied >= offset) return Promise.resolve();
    return new Promise((applied) => this.#waiting.push({ offset, applied }));
  }
}
