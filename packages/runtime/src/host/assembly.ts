import type { NodeId, Ports, Protocol } from "@synod/core";
import { quorumsOf } from "../configuration.ts";
import type { Guard } from "../guard.ts";
import type { Checksum, HostOptions, HostTuning } from "../host-options.ts";
import { writeIdentity } from "../identity.ts";
import { nodeClient } from "../sessions-name.ts";
import type { Booted } from "./boot.ts";
import { Deliveries } from "./deliveries.ts";
import { Front } from "./front.ts";
import type { HostMessage } from "./host-messages.ts";
import { Links } from "./links.ts";
import { Replica, type ReplicaHandler } from "./replica.ts";
import { Snapshotting } from "./snapshotting.ts";

/** What a running host consists of. */
export interface Parts<S, M> {
  readonly booted: Booted;
  readonly replica: Replica<S, M>;
  readonly links: Links;
  readonly front: Front;
  /** Null without a state machine, like `snapshotting`. */
  readonly deliveries: Deliveries | null;
  readonly snapshotting: Snapshotting | null;
}

export interface AssemblyOptions<S, M> {
  readonly host: HostOptions<S, M>;
  readonly tuning: HostTuning;
  readonly checksum: Checksum;
  readonly guard: Guard;
  /** Guarded. */
  readonly ports: Ports;
  /** Of frames and messages. */
  readonly version: number;
  readonly booted: Booted;
  readonly handler: ReplicaHandler<M>;
  readonly sendHost: (to: NodeId, message: HostMessage, bulk: boolean) => void;
  readonly sessionLost: () => void;
  readonly disowned: (reason: string) => void;
  readonly tell: (
    event: string,
    detail: Readonly<Record<string, number | string | boolean>>,
  ) => void;
  readonly failed: (reason: string) => void;
}

/** Makes the parts of a host and ties them together. */
export function assemble<S, M>(options: AssemblyOptions<S, M>): Parts<S, M> {
  const { host, booted, tuning, ports } = options;
  const { execution, journal, identity } = booted;
  const replica = createReplica(options);
  const front: Front = new Front({
    host,
    tuning,
    clock: ports.clock,
    client: nodeClient(host.self, identity.incarnation),
    execution,
    journal,
    input: (input) => replica.input(input),
    isReadable: () => deliveries?.isReadable !== false,
    hasExecutedAll: () => deliveries?.waiting === 0 && deliveries.isReadable,
    sessionLost: options.sessionLost,
  });
  let snapshotting: Snapshotting | null = null;
  const deliveries =
    execution === null
      ? null
      : new Deliveries(execution, ports.clock, {
          executed: (command, executed, position) => {
            front.executed(command, executed);
            const { client, sequence } = command;
            const repeated = executed.kind !== "done" || executed.repeated;
            host.listener.executed?.(position, client, sequence, repeated);
          },
          barrier: (position, image) => snapshotting?.atBarrier(position, image),
          advanced: () => front.serveReads(),
        });
  if (deliveries !== null) snapshotting = createSnapshotting(options, replica, front, deliveries);
  return { booted, replica, links: createLinks(options, replica), front, deliveries, snapshotting };
}

function createReplica<S, M>(options: AssemblyOptions<S, M>): Replica<S, M> {
  const { host, booted, ports, handler } = options;
  const { members } = host.configuration;
  return new Replica<S, M>({
    protocol: host.protocol,
    settings: {
      self: host.self,
      members: members.map((member) => member.id),
      quorums: quorumsOf(host.configuration),
      seed: ports.random.next(),
      roles: members.map((member) => member.roles),
      tuning: host.protocolTuning ?? {},
    },
    clock: ports.clock,
    journal: booted.journal,
    handler,
  });
}

/** What all members must speak: the protocol, and in it the numbers that they have in common. */
function dialectOf<S, M>(
  { name, agreed }: Protocol<S, M>,
  tuning: Readonly<Record<string, number>>,
): string {
  return [name, ...(agreed === undefined ? [] : [agreed(tuning)])].join(" ");
}

function createLinks<S, M>(options: AssemblyOptions<S, M>, replica: Replica<S, M>): Links {
  const { host, booted, ports, checksum, version, sendHost, disowned, failed } = options;
  return new Links({
    identity: booted.identity,
    members: host.configuration.members.map((member) => member.id),
    protocol: dialectOf(host.protocol, host.protocolTuning ?? {}),
    version,
    network: ports.network,
    save: (identity, done) => writeIdentity(ports.disk, checksum, identity, done),
    handler: {
      linkReady: (peer) => replica.input({ kind: "linkUp", peer }),
      tellKnown: (peer, remembers) => sendHost(peer, { kind: "known", remembers }, false),
      askKnown: (peer) => sendHost(peer, { kind: "askKnown" }, false),
      later: (ms, run) => void ports.clock.setTimer(ms, run),
      admitted: () => replica.input({ kind: "admit" }),
      disowned,
      failed: (error) => failed(`identity: ${error.message}`),
    },
  });
}

function createSnapshotting<S, M>(
  options: AssemblyOptions<S, M>,
  replica: Replica<S, M>,
  front: Front,
  deliveries: Deliveries,
): Snapshotting {
  const { booted, tuning, ports, guard, sendHost, tell, failed } = options;
  return new Snapshotting({
    booted,
    tuning,
    clock: ports.clock,
    random: ports.random,
    guard,
    deliveries,
    send: (to, message, bulk) => sendHost(to, { kind: "transfer", message }, bulk),
    proposeBarrier: () => front.proposeBarrier(),
    compact: (position) => replica.input({ kind: "compact", position }),
    installed: (position, image) => {
      replica.input({ kind: "installed", position, image });
      deliveries.resume();
      // What was executed in the gap has no other way to be answered.
      front.requests.resubmitAll();
      front.askTurn();
    },
    observe: tell,
    failed,
  });
}
