import type { Effect, Input, Protocol } from "@synod/core";
import { configurationBefore } from "./configuration-watches.ts";

/** What is told about one replica's protocol. It never changes anything. */
export interface ProtocolTap<S, M> {
  /** After a step. */
  stepped(state: S, input: Input<M>, effects: readonly Effect<M>[]): void;
  /**
   * `message` leaves the node now, for members of this configuration: everything that it waited for
   * is durable.
   */
  leaves(message: M, configuration: number): void;
}

/** The protocol itself, seen by oracles. */
export function watchedProtocol<S, M>(
  protocol: Protocol<S, M>,
  tap: ProtocolTap<S, M>,
): Protocol<S, M> {
  return {
    ...protocol,
    messages: {
      version: protocol.messages.version,
      decode: (reader) => protocol.messages.decode(reader),
      encode: (writer, message) => {
        tap.leaves(message, configurationBefore(writer));
        protocol.messages.encode(writer, message);
      },
    },
    step: (state, input, now) => {
      const effects = protocol.step(state, input, now);
      tap.stepped(state, input, effects);
      return effects;
    },
  };
}
