import {
  flexible,
  flexibleProblem,
  MEMBERS_MAX,
  majority,
  type NodeId,
  type Position,
  type QuorumSystem,
  utf8Length,
  VOTERS_MAX,
} from "@synod/core";

/** Who takes part. Numbered from 1; the next number replaces it at a chosen position. */
export interface Configuration {
  /** The first one is what operators write; all later ones are chosen by the one before. */
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
  /**
   * 32 hex digits: the only data directory that speaks for this member. Absent in the first
   * configuration, whose members find out about each other (docs/decisions/0002-voting-rights.md).
   */
  readonly dataId?: string;
}

/** Longest address, in bytes of UTF-8. */
export const ADDRESS_BYTES_MAX = 255;
/** Longest zone, in bytes of UTF-8. */
export const ZONE_BYTES_MAX = 64;
/** Most roles of one member, and the longest, in bytes of UTF-8. */
export const ROLES_MAX = 8;
export const ROLE_BYTES_MAX = 32;

/** A configuration and where in the log it began: everything after `began` is of it. */
export interface Tenure {
  readonly configuration: Configuration;
  /** Where the one before it was stopped; 0 for the first. */
  readonly began: Position;
}

/** Ids of the members that vote, ascending. */
export function acceptorsOf(configuration: Configuration): NodeId[] {
  return configuration.members.filter(isVoter).map((member) => member.id);
}

/** Whether it has a vote by its roles. */
export function isVoter({ roles }: Pick<Member, "roles">): boolean {
  return roles.length === 0 || roles.includes("acceptor");
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
    const problem = memberProblem(member);
    if (problem !== null) return problem;
  }
  const dataIds = members.map(({ dataId }) => dataId).filter((dataId) => dataId !== undefined);
  if (new Set(dataIds).size < dataIds.length) return "two members have the same data id";
  const acceptors = acceptorsOf(configuration);
  if (acceptors.length === 0) return "a cluster needs at least one member that is an acceptor";
  if (acceptors.length > VOTERS_MAX) return `a cluster has at most ${VOTERS_MAX} members that vote`;
  return quorums === null ? null : flexibleProblem(acceptors, quorums);
}

/** What does not fit into a stop command, or is no data id. */
function memberProblem({ id, address, zone, roles, dataId }: Member): string | null {
  const tooLong = (text: string, bytesMax: number): boolean => utf8Length(text) > bytesMax;
  if (tooLong(address, ADDRESS_BYTES_MAX))
    return `the address of member ${id} is longer than ${ADDRESS_BYTES_MAX} bytes`;
  if (tooLong(zone, ZONE_BYTES_MAX))
    return `the zone of member ${id} is longer than ${ZONE_BYTES_MAX} bytes`;
  if (roles.length > ROLES_MAX) return `member ${id} has more than ${ROLES_MAX} roles`;
  if (roles.some((role) => tooLong(role, ROLE_BYTES_MAX)))
    return `a role of member ${id} is longer than ${ROLE_BYTES_MAX} bytes`;
  if (dataId !== undefined && !/^[0-9a-f]{32}$/.test(dataId))
    return `the data id of member ${id} must be 32 hex digits`;
  return null;
}
