import type { NodeId } from "@synod/core";
import type { Applicant, HostStatus } from "@synod/runtime";

/** What `GET /_synod/members` answers. Grows; names are never reused. */
export interface MemberList {
  /** Number of the configuration that is in force at the node that answers. */
  readonly configuration: number;
  /** Slot at which the one before ended; 0 for the first. */
  readonly began: number;
  /** It is over, and the next one is about to begin here. */
  readonly stopping: boolean;
  /** Enough members hold the state with which it began: another change can be made. */
  readonly settled: boolean;
  readonly members: readonly ListedMember[];
  /** What a change that was asked of this node waits for; empty when none waits. */
  readonly waitsFor: string;
  /** Sizes of flexible quorums; null for majorities. */
  readonly quorums: { readonly phase1: number; readonly phase2: number } | null;
  /** Nodes that want to be members. */
  readonly applicants: readonly { readonly id: NodeId; readonly dataId: string }[];
}

export interface ListedMember {
  readonly id: NodeId;
  /** `host:port` where its peers reach it. */
  readonly peer: string;
  /** In the protocol's words; empty for all. Without `acceptor` it has no vote. */
  readonly roles: readonly string[];
  /** Empty while this node has not met it. */
  readonly dataId: string;
  /** It is known to hold the state with which the configuration began. */
  readonly holdsState: boolean;
}

export function memberList(status: HostStatus): MemberList {
  const { membership } = status;
  const { began, stopping, settled, waitsFor, holders, quorums } = membership;
  return {
    configuration: status.configuration,
    began: began.index,
    stopping,
    settled,
    waitsFor,
    members: membership.members.map(({ id, address, roles, dataId }) => ({
      id,
      peer: address,
      roles,
      dataId: dataId ?? dataIdOf(status, id),
      holdsState: status.configuration === 1 || holders.includes(id),
    })),
    quorums,
    applicants: membership.applicants.map(({ node, dataId }: Applicant) => ({ id: node, dataId })),
  };
}

function dataIdOf(status: HostStatus, id: NodeId): string {
  if (id === status.node) return status.dataId;
  return status.peers.find(({ node }) => node === id)?.dataId ?? "";
}
