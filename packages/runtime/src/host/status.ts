import type { Position, ProtocolStatus } from "@synod/core";
import { acceptorsOf, type Tenure } from "../configuration.ts";
import type { HostOptions, HostStatus, MembershipStatus } from "../host-options.ts";
import type { Parts } from "./assembly.ts";
import { isNamed } from "./hand-over.ts";
import { BEGINNING, seatStatus } from "./seat.ts";

const NOWHERE: Position = Object.freeze({ log: 0, index: 0 });

const BLANK: ProtocolStatus = Object.freeze({
  role: "starting",
  leader: null,
  ballot: "none",
  chosenUpTo: 0,
  compactedUpTo: 0,
  voter: false,
  detail: Object.freeze({}),
});

/** Everything an operator may ask, in one plain object. */
export function hostStatus<S, M>(
  options: HostOptions<S, M>,
  running: Parts<S, M> | null,
  stopped: boolean,
): HostStatus {
  const replica = running === null ? BLANK : seatStatus(running.seat);
  const tenure = running?.seat.tenure ?? { configuration: options.configuration, began: BEGINNING };
  const executedUpTo = running?.booted.execution?.executedUpTo ?? NOWHERE;
  const notReadyReason = whyNotReady(options, running, replica, executedUpTo, stopped);
  const identity = running?.links.identity;
  const front = running?.front;
  return {
    node: options.self,
    cluster: options.configuration.cluster,
    configuration: tenure.configuration.number,
    membership: membershipStatus(tenure, running),
    protocol: options.protocol.name,
    replica,
    dataId: identity?.dataId ?? "",
    incarnation: identity?.incarnation ?? 0,
    voter: replica.voter,
    nonVoterReason: whyNotVoter(options, running, replica),
    ready: notReadyReason === "",
    notReadyReason,
    executedUpTo,
    journalBytes: running?.booted.journal.bytes ?? 0,
    snapshotBytes: running?.snapshotting?.latestBytes ?? 0,
    snapshotPosition: running?.snapshotting?.latestPosition ?? NOWHERE,
    sessions: running?.booted.execution?.sessions ?? 0,
    outstanding: (front?.requests.outstanding ?? 0) + (front?.reads.outstanding ?? 0),
    diskFull: front?.lacksSpace ?? false,
    peers: running?.links.status() ?? [],
  };
}

function membershipStatus<S, M>(
  { configuration, began }: Tenure,
  running: Parts<S, M> | null,
): MembershipStatus {
  const { members, quorums } = configuration;
  return {
    state: running === null ? "waiting" : standing(running),
    members,
    quorums,
    began,
    stopping: running?.handOver.isStopping ?? false,
    holders: running?.membership.holders ?? [],
    settled: running?.membership.isSettled ?? false,
    waitsFor: running?.change.waitsFor ?? "",
    applicants: running?.links.applicants() ?? [],
  };
}

function standing<S, M>({ seat, membership, booted }: Parts<S, M>): MembershipStatus["state"] {
  if (seat.replica !== null && isNamed(seat.tenure, booted.identity))
    return membership.isFirst || membership.holding !== "none" || seat.replica.status().voter
      ? "member"
      : "joining";
  if (membership.isFirst) return "waiting";
  return membership.isNeeded ? "retiring" : "retired";
}

const IMPAIRED =
  "its journal has lost something that it had made durable, and nothing names what: " +
  "it must be replaced";

function whyNotVoter<S, M>(
  options: HostOptions<S, M>,
  running: Parts<S, M> | null,
  replica: ProtocolStatus,
): string {
  if (replica.voter) return "";
  if (running === null) return "starting";
  const { nonVoterReason } = running.links;
  if (nonVoterReason !== "") return nonVoterReason;
  if (!running.membership.isFirst && running.membership.holding === "none")
    return "it does not hold the state yet from which this configuration went on";
  if ((replica.detail["impaired"] ?? 0) > 0) return IMPAIRED;
  // Just started, a replica does not vote yet, and nothing keeps it from it.
  const mayVote = acceptorsOf(running.seat.tenure.configuration).includes(options.self);
  return mayVote ? "" : "its role gives it no vote";
}

function whyNotReady<S, M>(
  options: HostOptions<S, M>,
  running: Parts<S, M> | null,
  replica: ProtocolStatus,
  executedUpTo: Position,
  stopped: boolean,
): string {
  if (stopped) return "stopped";
  if (running === null) return "starting";
  if (running.seat.replica === null)
    return running.membership.isFirst
      ? "waiting for a configuration that names it"
      : "it is no member of this configuration";
  if (running.snapshotting?.isInstalling === true) return "receiving a snapshot from a peer";
  const known = Math.max(replica.chosenUpTo, replica.detail["knownChosenUpTo"] ?? 0);
  if (running.booted.execution !== null && executedUpTo.index < known)
    return `catching up: executed up to ${executedUpTo.index} of ${known}`;
  const isAlone = running.seat.tenure.configuration.members.length === 1;
  if (options.protocol.capabilities.leader && replica.leader === null && !isAlone)
    return "no leader is known";
  return "";
}
