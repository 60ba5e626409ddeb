import type { Disk, Machine, Network, NodeId, Protocol } from "@synod/core";
import {
  type Configuration,
  configurationProblem,
  type HostTuning,
  type ReplicaStorage,
} from "@synod/runtime";
import { type Address, formatAddress, isLoopback, parseAddress } from "./address.ts";
import type { FlushMode } from "./disk.ts";
import type { MemoryTransport } from "./memory-transport.ts";
import type { NetworkTuning } from "./network-options.ts";
import { SynodError } from "./synod-error.ts";

/** What a node is made of. `S` and `M` are the protocol's state and messages. */
export interface NodeOptions<S, M> {
  /** Which member of the configuration this node is, or, with `listen`, is to become. */
  readonly id: NodeId;
  /** The same on all nodes; a member's address is `host:port`. */
  readonly configuration: Configuration;
  /** The data directory, made by `formatNode`; a node on a blank one never votes. */
  readonly directory: string;
  readonly protocol: Protocol<S, M>;
  /** Null: a member without state, an acceptor for instance; it serves nothing. */
  readonly machine: Machine | null;
  /** In the place of the files in `directory`; not locked yet. */
  readonly disk?: Disk;
  /**
   * In the place of the files that journals and snapshots are kept in: the identity and the lock
   * stay in `directory`. Open, and for one start: the node closes it when it stops.
   */
  readonly storage?: ReplicaStorage;
  /** In the place of TCP; not open yet. */
  readonly network?: Network;
  /** Joins nodes of one process instead of TCP; then addresses mean nothing. */
  readonly transport?: MemoryTransport;
  /** Where peers are listened for; default: this member's address. */
  readonly listen?: Address;
  /**
   * Allows to listen beyond this machine, although nothing is encrypted or authenticated. Default
   * false.
   */
  readonly insecure?: boolean;
  /** Where syncs run; default `pool`. */
  readonly flush?: FlushMode;
  /** The only members from which a missing state is fetched; default: all who have it. */
  readonly fetchFrom?: readonly NodeId[];
  readonly tuning?: Partial<HostTuning>;
  /** Protocol-specific numbers, see the protocol's card. */
  readonly protocolTuning?: Readonly<Record<string, number>>;
  readonly networkTuning?: Partial<NetworkTuning>;
  /** Told of notable events, for logs and metrics; must not throw. */
  readonly observe?: Observe;
}

export type Observe = (
  event: string,
  detail: Readonly<Record<string, number | string | boolean>>,
) => void;

/** Where a node listens and whom it dials. */
export interface NodeAddresses {
  readonly listen: Address;
  readonly peers: ReadonlyMap<NodeId, Address>;
}

/** Checks what can be checked before anything is touched; throws `invalid` with a sentence. */
export function nodeAddresses<S, M>(options: NodeOptions<S, M>): NodeAddresses {
  const { id, configuration, insecure } = options;
  const problem = configurationProblem(configuration);
  if (problem !== null) throw invalid(problem);
  const peers = new Map<NodeId, Address>();
  for (const member of configuration.members) {
    const address = parseAddress(member.address);
    if (address === null)
      throw invalid(`the address of member ${member.id} is not host:port: ${member.address}`);
    peers.set(member.id, address);
  }
  const listen = options.listen ?? peers.get(id);
  // A node that is to be added knows whom to ask, and has to be told where to listen.
  if (listen === undefined) throw invalid(`node ${id} is not a member of the configuration`);
  peers.delete(id);
  if (insecure !== true && !isLoopback(listen.host)) throw invalid(exposedPeerAddress(listen));
  return { listen, peers };
}

export function exposedPeerAddress(listen: Address): string {
  return (
    `the peer address ${formatAddress(listen)} can be reached by other machines, and what nodes ` +
    "say to each other is neither encrypted nor authenticated: use 127.0.0.1, or allow it with " +
    "--insecure"
  );
}

export function invalid(message: string): SynodError {
  return new SynodError("invalid", "no", message);
}
