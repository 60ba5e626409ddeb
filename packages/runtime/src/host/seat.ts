import type { NodeId, Ports, Position, ProtocolStatus } from "@synod/core";
import { type Configuration, quorumsOf, type Tenure } from "../configuration.ts";
import type { HostOptions } from "../host-options.ts";
import type { JournalStore } from "../journal/journal-store.ts";
import { Replica, type ReplicaHandler } from "./replica.ts";

export interface SeatOptions<S, M> {
  readonly host: HostOptions<S, M>;
  readonly ports: Ports;
  readonly tenure: Tenure;
  readonly journal: JournalStore;
  readonly handler: Omit<ReplicaHandler<M>, "transmit">;
  readonly transmit: (configuration: number, to: readonly NodeId[], message: M) => void;
}

/** What this node is in one configuration: a replica with its journal, or none. */
export interface Seat<S, M> {
  readonly tenure: Tenure;
  readonly journal: JournalStore;
  /** Null: no member of the configuration. */
  readonly replica: Replica<S, M> | null;
  /**
   * True while its configuration is in force. After that the replica only answers those that lag.
   */
  active: boolean;
}

/** Not recovered yet. */
export function createSeat<S, M>(options: SeatOptions<S, M>): Seat<S, M> {
  const { host, ports, tenure, journal } = options;
  const { configuration } = tenure;
  const isMember = configuration.members.some(({ id }) => id === host.self);
  const replica = isMember
    ? new Replica<S, M>({
        protocol: host.protocol,
        settings: settingsOf(host, configuration, ports.random.next()),
        clock: ports.clock,
        journal,
        handler: handlerOf(options, () => seat.active),
      })
    : null;
  const seat: Seat<S, M> = { tenure, journal, replica, active: true };
  return seat;
}

function settingsOf<S, M>(
  { self, protocolTuning }: HostOptions<S, M>,
  configuration: Configuration,
  seed: number,
) {
  const { members } = configuration;
  return {
    self,
    members: members.map((member) => member.id),
    quorums: quorumsOf(configuration),
    seed,
    roles: members.map((member) => member.roles),
    tuning: protocolTuning ?? {},
  };
}

/** Of a replica whose configuration is over nothing counts but what it tells others. */
function handlerOf<S, M>(
  { handler, transmit, tenure }: SeatOptions<S, M>,
  isActive: () => boolean,
): ReplicaHandler<M> {
  const { number } = tenure.configuration;
  const whileActive = <A>(run: (argument: A) => void): ((argument: A) => void) => {
    return (argument) => {
      if (isActive()) run(argument);
    };
  };
  return {
    transmit: (to, message) => transmit(number, to, message),
    deliver: whileActive((effect) => handler.deliver(effect)),
    release: whileActive((effect) => handler.release(effect)),
    readable: whileActive((effect) => handler.readable(effect)),
    requestState: whileActive((effect) => handler.requestState(effect)),
    observe: whileActive((effect) => handler.observe(effect)),
    journalFailed: (error) => {
      if (isActive() || error.code !== "no-space") handler.journalFailed(error);
    },
    journalWorks: () => {
      if (isActive()) handler.journalWorks();
    },
  };
}

/** Ends it; `done` once what it appended is durable, or cannot be. */
export function closeSeat<S, M>({ journal, replica }: Seat<S, M>, done: () => void): void {
  if (replica === null) journal.close(() => done());
  else replica.close(done);
}

/** A replica knows nobody but the members of its configuration. */
export function tellLinkUp<S, M>(seat: Seat<S, M> | null, peer: NodeId): void {
  const isMember = seat?.tenure.configuration.members.some(({ id }) => id === peer);
  if (isMember === true) seat?.replica?.input({ kind: "linkUp", peer });
}

/** Of a node that is no member there is nothing to tell. */
export function seatStatus<S, M>(seat: Seat<S, M> | null): ProtocolStatus {
  return seat?.replica?.status() ?? NO_REPLICA;
}

const NO_REPLICA: ProtocolStatus = Object.freeze({
  role: "none",
  leader: null,
  ballot: "none",
  chosenUpTo: 0,
  compactedUpTo: 0,
  voter: false,
  detail: Object.freeze({}),
});

/** The first configuration began with the log. */
export const BEGINNING: Position = Object.freeze({ log: 0, index: 0 });
