import type { Position, ProtocolStatus } from "@synod/core";
import { acceptorsOf } from "../configuration.ts";
import type { HostOptions, HostStatus } from "../host-options.ts";
import type { Parts } from "./assembly.ts";

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
  const replica = running?.replica.status() ?? BLANK;
  const executedUpTo = running?.booted.execution?.executedUpTo ?? NOWHERE;
  const notReadyReason = whyNotReady(options, running, replica, executedUpTo, stopped);
  const identity = running?.links.identity;
  const front = running?.front;
  return {
    node: options.self,
    cluster: options.configuration.cluster,
    configuration: options.configuration.number,
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
  if ((replica.detail["impaired"] ?? 0) > 0) return IMPAIRED;
  // Just started, a replica does not vote yet, and nothing keeps it from it.
  const mayVote = acceptorsOf(options.configuration).includes(options.self);
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
  if (running.snapshotting?.isInstalling === true) return "receiving a snapshot from a peer";
  const known = Math.max(replica.chosenUpTo, replica.detail["knownChosenUpTo"] ?? 0);
  if (running.booted.execution !== null && executedUpTo.index < known)
    return `catching up: executed up to ${executedUpTo.index} of ${known}`;
  const isAlone = options.configuration.members.length === 1;
  if (options.protocol.capabilities.leader && replica.leader === null && !isAlone)
    return "no leader is known";
  return "";
}
