import type { HostStatus } from "@synod/runtime";

/** What `GET /_synod/status` answers and `synod status` reads. Grows; names are never reused. */
export interface NodeStatus {
  readonly id: number;
  readonly pid: number;
  readonly cluster: string;
  readonly protocol: string;
  readonly role: string;
  /** Node id; null when nobody is known to lead. */
  readonly leader: number | null;
  readonly ballot: string;
  readonly chosenUpTo: number;
  readonly executedUpTo: number;
  readonly compactedUpTo: number;
  /** Number of the configuration. */
  readonly configuration: number;
  /** What this node is to it: `member`, `joining`, `waiting`, `retiring` or `retired`. */
  readonly membership: string;
  readonly dataId: string;
  readonly incarnation: number;
  readonly voter: boolean;
  /** Empty for a voter. */
  readonly nonVoterReason: string;
  readonly ready: boolean;
  /** Empty when ready. */
  readonly notReadyReason: string;
  readonly journalBytes: number;
  readonly snapshotBytes: number;
  readonly snapshotUpTo: number;
  readonly sessions: number;
  readonly outstanding: number;
  readonly diskFull: boolean;
  readonly uptimeSeconds: number;
  readonly peers: readonly NodeStatusPeer[];
  /** The protocol's own numbers. */
  readonly detail: Readonly<Record<string, number>>;
}

export interface NodeStatusPeer {
  readonly id: number;
  readonly connected: boolean;
  readonly dataId: string;
  readonly incarnation: number;
  /** Why its votes are not taken; empty when they are. */
  readonly refused: string;
}

export function nodeStatus(host: HostStatus): NodeStatus {
  return {
    id: host.node,
    pid: process.pid,
    cluster: host.cluster,
    protocol: host.protocol,
    role: host.replica.role,
    leader: host.replica.leader,
    ballot: host.replica.ballot,
    chosenUpTo: host.replica.chosenUpTo,
    executedUpTo: host.executedUpTo.index,
    compactedUpTo: host.replica.compactedUpTo,
    configuration: host.configuration,
    membership: host.membership.state,
    dataId: host.dataId,
    incarnation: host.incarnation,
    voter: host.voter,
    nonVoterReason: host.nonVoterReason,
    ready: host.ready,
    notReadyReason: host.notReadyReason,
    journalBytes: host.journalBytes,
    snapshotBytes: host.snapshotBytes,
    snapshotUpTo: host.snapshotPosition.index,
    sessions: host.sessions,
    outstanding: host.outstanding,
    diskFull: host.diskFull,
    uptimeSeconds: Math.floor(process.uptime()),
    peers: host.peers.map(({ node, ...peer }) => ({ id: node, ...peer })),
    detail: host.replica.detail,
  };
}
