import {
  flexible,
  flexibleProblem,
  MEMBERS_MAX,
  majority,
  type NodeId,
  type QuorumSystem,
  VOTERS_MAX,
} from "@synod/core";

/** Who takes part. Numbered from 1; the next number replaces it at a chosen position. */
export interface Configuration {
  readonly number: number;
  /** 32 hex digits, the same on all nodes of a cluster for ever. */
  readonly cluster: string;
  /** Ascending by id. */
  readonly members: readonly Member[];
  /** Sizes of flexible quorums; null for majorities. */
  readonly quorums: { readonly phase1: number; readonly phase2: number } | null;
}

export interface Member {
  readonly id: NodeId;
  /** Where its peers reach it; opaque to the runtime. */
  readonly address: string;
  readonly zone: string;
  /** In the protocol's words, but whoever votes is an `acceptor`; empty means all roles. */
  readonly roles: readonly string[];
}

/** Ids of the members that vote, ascending. */
export function acceptorsOf(configuration: Configuration): NodeId[] {
  const voting = configuration.members.filter(
    ({ roles }) => roles.length === 0 || roles.includes("acceptor"),
  );
  return voting.map((member) => member.id);
}

/** Quorums of those members that vote: a member without a vote must not enlarge a majority. */
export function quorumsOf(configuration: Configuration): QuorumSystem {
  const ids = acceptorsOf(configuration);
  return configuration.quorums === null ? majority(ids) : flexible(ids, configuration.quorums);
}

/** What is wrong with a configuration, in words for a user; null when it can be used. */
export function configurationProblem(configuration: Configuration): string | null {
  const { members, quorums, cluster } = configuration;
  if (!/^[0-9a-f]{32}$/.test(cluster)) return "the cluster id must be 32 hex digits";
  if (members.length === 0) return "a cluster needs at least one member";
  if (members.length > MEMBERS_MAX) return `a cluster has at most ${MEMBERS_MAX} members`;
  for (const [index, member] of members.entries()) {
    if (!Number.isInteger(member.id) || member.id < 0 || member.id > 0xffff)
      return `member id ${member.id} is not a whole number from 0 to 65535`;
    const before = members[index - 1];
    if (before !== undefined && before.id >= member.id)
      return "member ids must be unique and in ascending order";
  }
  const acceptors = acceptorsOf(configuration);
  if (acceptors.length === 0) return "a cluster needs at least one member that is an acceptor";
  if (acceptors.length > VOTERS_MAX) return `a cluster has at most ${VOTERS_MAX} members that vote`;
  return quorums === null ? null : flexibleProblem(acceptors, quorums);
}
