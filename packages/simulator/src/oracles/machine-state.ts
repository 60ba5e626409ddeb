import { hash64, type NodeId, sameBytes } from "@synod/core";
import type { Order } from "./operation.ts";
import type { Accuse } from "./verdict.ts";

/** What one replica computed at one place of the order. */
interface Computed {
  readonly result: Uint8Array;
  readonly key: string | null;
  readonly value: string | null;
}

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
  readonly #results = new Map<Order, Computed>();
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

  /** `node` applied a payload at `order`: key `key` now holds `value`. `result` is kept. */
  applied(
    node: NodeId,
    order: Order,
    effect: { readonly key: string; readonly value: string | null } | null,
    result: Uint8Array,
  ): void {
    const computed = { result, key: effect?.key ?? null, value: effect?.value ?? null };
    const known = this.#results.get(order);
    if (known === undefined) {
      if (order <= this.#last)
        this.#accuse("state", `node ${node} applied ${order} after the fact`);
      this.#results.set(order, computed);
      this.#last = order;
      if (effect !== null) this.#versionsOf(effect.key).push({ order, value: effect.value });
    } else if (!same(known, computed))
      this.#accuse(
        "state",
        `node ${node} computed another result at ${order}: ${show(computed)}, not ${show(known)}`,
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

function same(a: Computed, b: Computed): boolean {
  return a.key === b.key && a.value === b.value && sameBytes(a.result, b.result);
}

function show({ result, key, value }: Computed): string {
  return `${hash64(result)} ${key ?? ""} ${value ?? ""}`;
}
