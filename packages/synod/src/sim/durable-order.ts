import type { Effect } from "@synod/core";

/** What a node has appended and what waits behind it, in order. */
type Item<M> =
  | { readonly kind: "record"; readonly record: Uint8Array }
  | { readonly kind: "message"; readonly message: M };

/**
 * Tells from outside what of a node is durable: a message that waited for the disk proves, when it
 * is seen to leave or to come back to its sender, all that was appended before it.
 */
export class DurableOrder<M> {
  #items: Item<M>[] = [];

  /** A step's effects, as they were handed to the host. */
  submitted(effects: readonly Effect<M>[]): void {
    for (const effect of effects)
      if (effect.kind === "send") this.#items.push({ kind: "message", message: effect.message });
      else if (effect.kind === "persist") this.#append(effect.record);
      else if (effect.kind === "checkpoint")
        for (const { record } of effect.records) this.#append(record);
  }

  /** What has become durable since, now that this message is seen; in the order of writing. */
  seen(message: M): Uint8Array[] {
    const at = this.#items.findIndex((item) => item.kind === "message" && item.message === message);
    if (at < 0) return [];
    const records: Uint8Array[] = [];
    for (const item of this.#items.splice(0, at + 1))
      if (item.kind === "record") records.push(item.record);
    return records;
  }

  #append(record: Uint8Array): void {
    this.#items.push({ kind: "record", record });
  }
}
