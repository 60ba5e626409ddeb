import type { Effect, Input, NodeId, QuorumSystem } from "@synod/core";
import type { ChosenValues } from "./oracles/chosen-values.ts";
import type { KeptWord } from "./oracles/kept-word.ts";
import type { Accuse } from "./oracles/verdict.ts";

/** What a protocol's watch reports to. */
export interface WatchTools {
  readonly chosen: ChosenValues;
  readonly word: KeptWord;
  readonly quorums: QuorumSystem;
  readonly accuse: Accuse;
  /** A situation that lives should reach sometimes. */
  readonly hit: (probe: string) => void;
  /** Virtual ms. */
  readonly now: () => number;
}

/** Translates one protocol's states and messages into the words of the oracles. Changes nothing. */
export interface ProtocolWatch<S, M> {
  /** After a step of `node`. */
  stepped(node: NodeId, state: S, input: Input<M>, effects: readonly Effect<M>[]): void;
  /** `message` leaves `node`: all that it waited for is durable. */
  leaves(node: NodeId, message: M): void;
  /** The incarnation of `node` is gone. */
  fell(node: NodeId): void;
}
