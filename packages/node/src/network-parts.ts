import type { Hello, NetworkListener, NodeId } from "@synod/core";
import type { Checksum } from "@synod/runtime";
import type { Address } from "./address.ts";
import type { NetworkCounters, NetworkTuning } from "./network-options.ts";

/** What the parts of an open network share. */
export interface NetworkParts {
  readonly self: NodeId;
  /** Where the others are reached, as of now. */
  peers: ReadonlyMap<NodeId, Address>;
  readonly tuning: NetworkTuning;
  readonly counters: NetworkCounters;
  readonly checksum: Checksum;
  readonly listener: NetworkListener;
  /** What later connections start with. */
  hello: Hello;
  /**
   * Ms in which this process could have heard something: does not count the time in which it was
   * held up itself, so that it does not take its own silence for that of others.
   */
  fairMs(): number;
}
