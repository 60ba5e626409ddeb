import {
  type Effect,
  type Input,
  type NodeId,
  type QuorumSystem,
  Reader,
  type Writer,
} from "@synod/core";
import type { ProtocolWatch } from "./protocol-watch.ts";

/** One watch for each configuration: what is promised and chosen in one says nothing in another. */
export class ConfigurationWatches<S, M> {
  readonly #create: (quorums: QuorumSystem) => ProtocolWatch<S, M>;
  readonly #watches = new Map<number, ProtocolWatch<S, M>>();
  /** Which configuration a replica is of. */
  readonly #numbers = new Map<S, number>();
  readonly #replicas = new Map<NodeId, Set<S>>();

  constructor(create: (quorums: QuorumSystem) => ProtocolWatch<S, M>) {
    this.#create = create;
  }

  /** `current`: the configuration in force on `node`, in which replicas start. */
  stepped(
    node: NodeId,
    state: S,
    step: { readonly input: Input<M>; readonly effects: readonly Effect<M>[] },
    current: () => { readonly number: number; readonly quorums: QuorumSystem },
  ): void {
    let number = this.#numbers.get(state);
    if (number === undefined) {
      // Of which it is shows when it starts: before, it only reads what it knows already.
      if (step.input.kind === "recover") return;
      const { number: made, quorums } = current();
      number = made;
      this.#numbers.set(state, number);
      const replicas = this.#replicas.get(node) ?? new Set<S>();
      this.#replicas.set(node, replicas.add(state));
      if (!this.#watches.has(number)) this.#watches.set(number, this.#create(quorums));
    }
    this.#watches.get(number)?.stepped(node, state, step.input, step.effects);
  }

  leaves(node: NodeId, configuration: number, message: M): void {
    this.#watches.get(configuration)?.leaves(node, message);
  }

  fell(node: NodeId): void {
    for (const watch of this.#watches.values()) watch.fell(node);
    for (const state of this.#replicas.get(node) ?? []) this.#numbers.delete(state);
    this.#replicas.delete(node);
  }
}

/** Right before a message, a frame says of which configuration it is. */
export function configurationBefore(writer: Writer): number {
  return new Reader(writer.peek(), writer.length - 4).u32();
}
