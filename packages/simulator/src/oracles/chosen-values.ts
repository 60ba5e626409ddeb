import { hash64, type NodeId, sameBytes } from "@synod/core";
import type { Accuse } from "./verdict.ts";

/**
 * Chosen values: whoever takes a slot for chosen takes the same bytes for its value, for ever, in
 * all incarnations. The first to say so writes the record.
 */
export class ChosenValues {
  readonly #accuse: Accuse;
  readonly #values = new Map<number, Uint8Array>();

  constructor(accuse: Accuse) {
    this.#accuse = accuse;
  }

  /** `node` takes `value` for chosen in `slot`. True: it is the first to do so. */
  chosen(node: NodeId, slot: number, value: Uint8Array): boolean {
    const known = this.#values.get(slot);
    if (known === undefined) this.#values.set(slot, value.slice());
    else if (!sameBytes(known, value))
      this.#accuse(
        "chosen",
        `node ${node} takes ${hash64(value)} for chosen in ${slot}, it was ${hash64(known)}`,
      );
    return known === undefined;
  }
}
