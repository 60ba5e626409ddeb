import type { Position, ProtocolStatus } from "@synod/core";
import type { HostOptions, HostStatus } from "../host-options.ts";
import type { Booted } from "./boot.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Links } from "./links.ts";
import type { Reads } from "./reads.ts";
import type { Requests } from "./requests.ts";
import type { Snapshotting } from "./snapshotting.ts";

/** The parts of a running host that know something worth showing. */
export interface StatusSources {
  readonly booted: Booted;
  readonly replica: { status(): ProtocolStatus };
  readonly links: Links;
  readonly requests: Requests;
  readonly reads: Reads;
  readonly deliveries: Deliveries | null;
  readonly snapshotting: Snapshotting | null;
}

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
export function hostStatus(input: {
  // biome-ignore lint/suspicious/noExplicitAny: status is the same for every protocol
  readonly options: HostOptions<any, any>;
  readonly running: StatusSources | null;
  readonly diskFull: boolean;
  readonly stopped: boolean;
}): HostStatus {
  const { options, running, diskFull, stopped } = input;
  const replica = running?.replica.status() ?? BLANK;
  const executedUpTo = running?.booted.execution?.executedUpTo ?? NOWHERE;
  const notReadyReason = whyNotReady(running, replica, executedUpTo, stopped);
  const identity = running?.links.identity;
  return {
    node: options.self,
    cluster: options.configuration.cluster,
    configuration: options.configuration.number,
    protocol: options.protocol.name,
    replica,
    dataId: identity?.dataId ?? "",
    incarnation: identity?.incarnation ?? 0,
    voter: replica.voter,
    nonVoterReason: replica.voter ? "" : (running?.links.nonVoterReason ?? "starting"),
    ready: notReadyReason === "",
    notReadyReason,
    executedUpTo,
    journalBytes: running?.booted.journal.bytes ?? 0,
    snapshotBytes: running?.snapshotting?.latestBytes ?? 0,
    snapshotPosition: running?.snapshotting?.latestPosition ?? NOWHERE,
    sessions: running?.booted.execution?.sessions ?? 0,
    outstanding: (running?.requests.outstanding ?? 0) + (running?.reads.outstanding ?? 0),
    diskFull,
    peers: running?.links.status() ?? [],
  };
}

function whyNotReady(
  running: StatusSources | null,
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
  if (replica.leader === null && running.links.status().length > 0) return "no leader is known";
  return "";
}
