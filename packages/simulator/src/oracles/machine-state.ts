import { hash64, type NodeId } from "@synod/core";
import type { Order } from "./operation.ts";
import type { Accuse } from "./verdict.ts";

interface Version {
  readonly order: Order;
  readonly value: string | null;
}

/**
 * The machine as the executed order makes it: results are the same on all replicas, and of every
 * key all versions are known, so that a read can be asked which moment it shows.
 */
export class MachineState {
  readonly #accuse: Accuse;
  readonly #results = new Map<Order, string>();
  readonly #versions = new Map<string, Version[]>();
  #last: Order = 0;

  constructor(accuse: Accuse) {
    this.#accuse = accuse;
  }

  /** Highest order that took effect anywhere. */
  get last(): Order {
    return this.#last;
  }

  get keys(): string[] {
    return [...this.#versions.keys()].sort();
  }

  /** `node` applied a payload at `order`: key `key` now holds `value`. */
  applied(
    node: NodeId,
    order: Order,
    effect: { readonly key: string; readonly value: string | null } | null,
    result: Uint8Array,
  ): void {
    const hash = `${hash64(result)} ${effect?.key ?? ""} ${effect?.value ?? ""}`;
    const known = this.#results.get(order);
    if (known === undefined) {
      if (order <= this.#last)
        this.#accuse("state", `node ${node} applied ${order} after the fact`);
      this.#results.set(order, hash);
      this.#last = order;
      if (effect !== null) this.#versionsOf(effect.key).push({ order, value: effect.value });
    } else if (known !== hash)
      this.#accuse(
        "state",
        `node ${node} computed another result at ${order}: ${hash}, not ${known}`,
      );
  }

  /** What `key` held once everything up to `order` had taken effect. */
  valueAt(key: string, order: Order): string | null {
    const versions = this.#versions.get(key) ?? [];
    for (let at = versions.length - 1; at >= 0; at -= 1) {
      const version = versions[at] as Version;
      if (version.order <= order) return version.value;
    }
    return null;
  }

  /**
   * The earliest order at or after `floor` at which `key` held `value`; undefined: it did not any
   * more, or has not yet.
   */
  momentOf(key: string, value: string | null, floor: Order): Order | undefined {
    if (this.valueAt(key, floor) === value) return floor;
    const versions = this.#versions.get(key) ?? [];
    let moment: Order | undefined;
    for (let at = versions.length - 1; at >= 0; at -= 1) {
      const version = versions[at] as Version;
      if (version.order <= floor) break;
      if (version.value === value) moment = version.order;
    }
    return moment;
  }

  #versionsOf(key: string): Version[] {
    let versions = this.#versions.get(key);
    if (versions === undefined) {
      versions = [];
      this.#versions.set(key, versions);
    }
    return versions;
  }
}
