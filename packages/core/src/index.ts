/**
 * Consensus protocols as pure state machines, and everything they and their hosts agree on: the
 * contract (`Protocol`, `Effect`, `Machine`, ports), ballots, quorums and the wire codec.
 */
export * from "./ballot.ts";
export * from "./codec.ts";
export * from "./command.ts";
export * from "./command-codec.ts";
export * from "./crc32.ts";
export * from "./effect.ts";
export * from "./hash.ts";
export * from "./ids.ts";
export * from "./invariant.ts";
export * from "./limits.ts";
export * from "./machine.ts";
export * from "./ordered-map.ts";
export * from "./ports.ts";
export * from "./prng.ts";
export * from "./protocol.ts";
export * from "./quorum.ts";
export * from "./same-bytes.ts";
export * from "./utf8.ts";
