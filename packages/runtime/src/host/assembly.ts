import type { NodeId, Ports, Protocol } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import type { Tenure } from "../configuration.ts";
import type { Execution } from "../execution.ts";
import type { Guard } from "../guard.ts";
import type { HostOptions, HostTuning } from "../host-options.ts";
import { writeIdentity } from "../identity.ts";
import type { JournalStore } from "../journal/journal-store.ts";
import { failed } from "../outcome.ts";
import { nodeClient } from "../sessions-name.ts";
import type { Manifest } from "../snapshots/manifest.ts";
import type { SpareTime } from "../spare-time.ts";
import type { Booted } from "./boot.ts";
import { Change } from "./change.ts";
import { Deliveries } from "./deliveries.ts";
import { Front } from "./front.ts";
import { fetchBeginning, HandOver, type HandOverParts, holdingOf, isNamed } from "./hand-over.ts";
import type { HostMessage } from "./host-messages.ts";
import { Links } from "./links.ts";
import { Membership } from "./membership.ts";
import { Progress } from "./progress.ts";
import type { ReplicaHandler } from "./replica.ts";
import { createSeat, type Seat, tellLinkUp } from "./seat.ts";
import { Snapshotting } from "./snapshotting.ts";
import type { Wire } from "./wire.ts";

/** What a running host consists of. */
export interface Parts<S, M> extends HandOverParts<S, M> {
  readonly handOver: HandOver<S, M>;
  readonly progress: Progress;
  readonly change: Change;
}

export interface AssemblyOptions<S, M> {
  readonly host: HostOptions<S, M>;
  readonly tuning: HostTuning;
  readonly checksum: Checksum;
  readonly guard: Guard;
  readonly spare: SpareTime;
  /** Guarded. */
  readonly ports: Ports;
  /** Of frames and messages. */
  readonly version: number;
  readonly booted: Booted;
  readonly handler: Omit<ReplicaHandler<M>, "transmit">;
  readonly wire: Wire<M>;
  readonly sessionLost: () => void;
  readonly disowned: (reason: string) => void;
  readonly tell: (
    event: string,
    detail: Readonly<Record<string, number | string | boolean>>,
  ) => void;
  readonly failed: (reason: string) => void;
}

/** The parts, once they are there: what ties them together runs later. */
type Later<S, M> = () => Parts<S, M>;

/** Makes the parts of a host and ties them together. */
export function assemble<S, M>(options: AssemblyOptions<S, M>): Parts<S, M> {
  const { host, booted, tuning, ports } = options;
  const { execution, identity, tenure } = booted;
  const later: Later<S, M> = () => parts;
  const seat = seatMaker(options)(tenure, booted.journal);
  const front: Front = new Front({
    host,
    tuning,
    clock: ports.clock,
    client: nodeClient(host.self, identity.incarnation),
    execution,
    journal: () => booted.journal,
    isMember: seat.replica !== null,
    input: (input) => parts.seat.replica?.input(input),
    isReadable: () => parts.deliveries?.isReadable !== false,
    hasExecutedAll: () => parts.deliveries?.waiting === 0 && parts.deliveries.isReadable,
    sessionLost: options.sessionLost,
    answered: (token, outcome) => {
      if (!parts.change.isStep(token, outcome)) host.listener.answered(token, outcome);
    },
  });
  const links = createLinks(options, later);
  const progress = createProgress(options, later);
  const deliveries = execution === null ? null : createDeliveries(options, execution, later);
  const parts: Parts<S, M> = {
    booted,
    seat,
    lingering: null,
    links,
    front,
    deliveries,
    snapshotting: deliveries === null ? null : createSnapshotting(options, deliveries, later),
    membership: createMembership(options, links, later),
    handOver: createHandOver(options, later),
    progress,
    change: createChange(options, front, progress, later),
  };
  return parts;
}

/** Answers and oracles learn what was executed; barriers and stops are acted on. */
function createDeliveries<S, M>(
  { host, ports }: AssemblyOptions<S, M>,
  execution: Execution,
  parts: Later<S, M>,
): Deliveries {
  return new Deliveries(execution, ports.clock, {
    executed: (command, executed, position) => {
      parts().front.executed(command, executed);
      const { client, sequence } = command;
      const repeated = executed.kind !== "done" || executed.repeated;
      host.listener.executed?.(position, client, sequence, repeated);
    },
    barrier: (position, image) => parts().snapshotting?.atBarrier(position, image),
    stopped: (position, image, stop) => parts().handOver.stopDelivered(position, image, stop),
    advanced: () => parts().front.serveReads(),
    isAwaited: () => parts().front.isAwaited,
  });
}

/** What all members must speak: the protocol, and in it the numbers that they have in common. */
function dialectOf<S, M>(
  { name, agreed }: Protocol<S, M>,
  tuning: Readonly<Record<string, number>>,
): string {
  return [name, ...(agreed === undefined ? [] : [agreed(tuning)])].join(" ");
}

function seatMaker<S, M>(options: AssemblyOptions<S, M>) {
  const { host, ports, handler, wire } = options;
  return (tenure: Tenure, journal: JournalStore): Seat<S, M> =>
    createSeat({
      host,
      ports,
      tenure,
      journal,
      handler,
      transmit: (configuration, to, message) => wire.sendMessage(configuration, to, message),
    });
}

function createLinks<S, M>(options: AssemblyOptions<S, M>, parts: Later<S, M>): Links {
  const { host, booted, ports, checksum, version, wire, disowned, failed } = options;
  const { members } = booted.tenure.configuration;
  return new Links({
    identity: booted.identity,
    members: members.map((member) => member.id),
    protocol: dialectOf(host.protocol, host.protocolTuning ?? {}),
    version,
    network: ports.network,
    save: (identity, done) => writeIdentity(ports.disk, checksum, identity, done),
    handler: {
      linkReady: (peer) => {
        tellLinkUp(parts().seat, peer);
        tellLinkUp(parts().lingering, peer);
        parts().membership.linkReady(peer);
        fetchBeginning(parts());
      },
      tellKnown: (peer, remembers) => wire.sendHost([peer], { kind: "known", remembers }, false),
      askKnown: (peer) => wire.sendHost([peer], { kind: "askKnown" }, false),
      later: (ms, run) => void ports.clock.setTimer(ms, run),
      admitted: () => parts().seat.replica?.input({ kind: "admit" }),
      disowned,
      failed: (error) => failed(`identity: ${error.message}`),
    },
  });
}

function createMembership<S, M>(
  { host, booted, ports, wire }: AssemblyOptions<S, M>,
  links: Links,
  parts: Later<S, M>,
): Membership {
  const { tenure, identity, lostUpTo } = booted;
  const holds = isNamed(tenure, identity) && lostUpTo === null;
  const options = {
    self: host.self,
    clock: ports.clock,
    send: (to: NodeId, message: HostMessage) => wire.sendHost([to], message, false),
    ready: () => links.ready,
    learned: (learned: Tenure) => parts().handOver.learned(learned),
    // What was sent to it before was of a configuration that it did not know.
    entered: (peer: NodeId) => tellLinkUp(parts().seat, peer),
    settled: () => parts().handOver.settled(),
  };
  return new Membership(options, tenure, holdingOf(booted, holds));
}

function createHandOver<S, M>(options: AssemblyOptions<S, M>, parts: Later<S, M>): HandOver<S, M> {
  const { host, ports, spare, tell, failed } = options;
  const { self, listener } = host;
  const base = { self, ports, spare, listener, tell, failed };
  return new HandOver<S, M>({ ...base, parts, createSeat: seatMaker(options) });
}

function createProgress<S, M>(
  { host, booted, ports, wire }: AssemblyOptions<S, M>,
  parts: Later<S, M>,
): Progress {
  const peers = (): NodeId[] => {
    const { seat, links } = parts();
    const members = seat.tenure.configuration.members.map(({ id }) => id);
    return members.filter((id) => id !== host.self && links.isLinkedTo(id, links.dataIdOf(id)));
  };
  return new Progress({
    self: host.self,
    clock: ports.clock,
    send: (to, message) => wire.sendHost([to], message, false),
    peers,
    executedUpTo: () => booted.execution?.executedUpTo.index ?? null,
  });
}

function createChange<S, M>(
  { host, ports }: AssemblyOptions<S, M>,
  front: Front,
  progress: Progress,
  parts: Later<S, M>,
): Change {
  const { learner, stop } = host.protocol.capabilities;
  return new Change({
    clock: ports.clock,
    front,
    progress,
    standing: () => {
      const { seat, membership, links } = parts();
      const { configuration } = seat.tenure;
      return {
        current: configuration,
        holders: membership.isFirst
          ? configuration.members.map(({ id }) => id)
          : membership.holders,
        isSettled: membership.isSettled,
        dataIdOf: (node) => links.dataIdOf(node),
        isConnected: (node, dataId) => links.isLinkedTo(node, dataId),
        paceOf: (node) => progress.paceOf(node),
        learner,
      };
    },
    problem: () => {
      if (stop === "own")
        return failed(
          "configuration-invalid",
          "no",
          "this protocol leaves no change of members to its host",
        );
      return parts().seat.replica === null ? failed("not-a-member", "no") : null;
    },
    isStopping: () => parts().handOver.isStopping,
  });
}

function createSnapshotting<S, M>(
  options: AssemblyOptions<S, M>,
  deliveries: Deliveries,
  parts: Later<S, M>,
): Snapshotting {
  const { host, booted, tuning, checksum, ports, guard, spare, wire, tell, failed } = options;
  return new Snapshotting({
    booted,
    tuning,
    checksum,
    spare,
    fetchFrom: host.fetchFrom ?? null,
    clock: ports.clock,
    random: ports.random,
    guard,
    deliveries,
    send: (to, message, bulk) => wire.sendHost([to], { kind: "transfer", message }, bulk),
    proposeBarrier: () => parts().front.proposeBarrier(),
    compact: (position) => parts().seat.replica?.input({ kind: "compact", position }),
    written: (manifest) => parts().handOver.durable(manifest),
    tenure: () => tenureToName(parts().seat.tenure),
    installed: (manifest) => stateInstalled(parts(), deliveries, manifest),
    observe: tell,
    failed,
  });
}

/** The first configuration is not named: nobody needs to be told of it. */
function tenureToName(tenure: Tenure): Tenure | null {
  return tenure.configuration.number === 1 ? null : tenure;
}

function stateInstalled<S, M>(
  parts: Parts<S, M>,
  deliveries: Deliveries,
  manifest: Manifest,
): void {
  const { seat, front, membership, links, handOver, booted } = parts;
  const { position, image, tenure } = manifest;
  const { number } = seat.tenure.configuration;
  if ((tenure?.configuration.number ?? 1) > number) return handOver.installed(manifest);
  seat.replica?.input({ kind: "installed", position, image });
  deliveries.resume();
  handOver.durable(manifest);
  if (number > 1 && membership.holding === "none" && isNamed(seat.tenure, booted.identity)) {
    membership.holds("state");
    if (links.mayVote) seat.replica?.input({ kind: "admit" });
  }
  front.stateInstalled();
}
