import type { Command, NodeId, PeerAddress, PortError, Ports, Position } from "@synod/core";
import type { Member, Tenure } from "../configuration.ts";
import type { HostListener } from "../host-options.ts";
import type { JournalStore } from "../journal/journal-store.ts";
import type { Manifest } from "../snapshots/manifest.ts";
import type { Booted } from "./boot.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Front } from "./front.ts";
import type { Holding } from "./host-messages.ts";
import type { Links } from "./links.ts";
import type { Membership } from "./membership.ts";
import { successorOf } from "./next-configuration.ts";
import { closeSeat, type Seat, tellLinkUp } from "./seat.ts";
import type { Snapshotting } from "./snapshotting.ts";

/** The parts that a hand-over changes. */
export interface HandOverParts<S, M> {
  readonly booted: Booted;
  readonly links: Links;
  readonly front: Front;
  readonly membership: Membership;
  readonly deliveries: Deliveries | null;
  readonly snapshotting: Snapshotting | null;
  seat: Seat<S, M>;
  /** Of the configuration before: it answers those who lag. */
  lingering: Seat<S, M> | null;
}

export interface HandOverOptions<S, M> {
  readonly self: NodeId;
  readonly ports: Ports;
  readonly parts: () => HandOverParts<S, M>;
  readonly createSeat: (tenure: Tenure, journal: JournalStore) => Seat<S, M>;
  readonly listener: HostListener;
  readonly tell: (event: string, detail: Readonly<Record<string, number>>) => void;
  readonly failed: (reason: string) => void;
}

/** How long a replica goes on answering in a configuration that is over. */
const LINGER_MS = 5_000;
/** A member that has not come to the end of its configuration by then fetches the state. */
const LAG_MS = 1_000;
const NO_SPACE_RETRY_MS = 1_000;

/** Where the state comes from with which this node enters a configuration. */
type Entry =
  /** It has executed everything through the stop. */
  | "executed"
  /** A state from others, of this configuration, was put in place. */
  | "installed"
  /** It has none yet: a newcomer. */
  | "newcomer";

/**
 * Takes this node from one configuration to the next: the state at the stop becomes a snapshot that
 * names the next configuration, a journal begins for that, the identity names it, a fresh replica
 * starts. docs/decisions/0006-configurations.md.
 */
export class HandOver<S, M> {
  readonly #options: HandOverOptions<S, M>;
  /** `writing`: the stop is executed; `entering`: its state is durable here. */
  #phase: "steady" | "writing" | "entering" = "steady";
  /** The newest configuration that anybody was heard of in, while this node is behind it. */
  #learned: Tenure | null = null;
  #lagTimer: number | null = null;
  #lingerTimer: number | null = null;
  #stopped = false;

  constructor(options: HandOverOptions<S, M>) {
    this.#options = options;
  }

  /** The configuration in force is over, and the next one is not in force yet. */
  get isStopping(): boolean {
    return this.#phase !== "steady";
  }

  /** The last command of the configuration in force has been executed, with all before it. */
  stopDelivered(position: Position, image: Uint8Array, stop: Command): void {
    if (this.#phase !== "steady") return;
    const { front, seat, snapshotting } = this.#options.parts();
    const next = successorOf(seat.tenure.configuration, stop.payload, position);
    this.#phase = "writing";
    front.hold();
    snapshotting?.hold();
    this.#options.tell("configuration stopped", { position: position.index });
    this.#writeState(next, image);
  }

  /** A state was put in place here that belongs to a later configuration. */
  installed({ position, tenure }: Manifest): void {
    if (tenure === null) return;
    this.#options.parts().front.hold();
    this.#enter(tenure, "installed", position);
  }

  /** Others are in this configuration. */
  learned(tenure: Tenure): void {
    const { seat, booted } = this.#options.parts();
    const newest = this.#learned?.configuration.number ?? seat.tenure.configuration.number;
    if (tenure.configuration.number <= newest || this.#stopped) return;
    this.#learned = tenure;
    if (this.#phase !== "steady") return;
    // Whoever takes part in the old one gets to its end by messages, if it is not far from it.
    if (seat.replica !== null) return this.#waitForEnd();
    // To a node that was never a member of anything, a configuration without it is nothing.
    if (isNamed(tenure, booted.identity) || seat.tenure.configuration.number > 1)
      this.#takeLearned();
  }

  stop(): void {
    this.#stopped = true;
    const { clock } = this.#options.ports;
    if (this.#lagTimer !== null) clock.clearTimer(this.#lagTimer);
    if (this.#lingerTimer !== null) clock.clearTimer(this.#lingerTimer);
  }

  #waitForEnd(): void {
    if (this.#lagTimer !== null) return;
    this.#lagTimer = this.#options.ports.clock.setTimer(LAG_MS, () => {
      this.#lagTimer = null;
      if (this.#learned === null || this.#phase !== "steady" || this.#stopped) return;
      const { snapshotting, seat, booted } = this.#options.parts();
      // Without a state machine, or a place in what comes, there is nothing to fetch.
      if (snapshotting === null || !isNamed(this.#learned, booted.identity))
        return this.#takeLearned();
      const { began, configuration } = this.#learned;
      const ids = [...configuration.members, ...seat.tenure.configuration.members];
      snapshotting.request(
        began,
        ids.map(({ id }) => id),
      );
      this.#waitForEnd();
    });
  }

  /** Enters what was learned without the state, or, without a state machine, needs none. */
  #takeLearned(): void {
    const tenure = this.#learned;
    if (tenure === null) return;
    this.#options.parts().front.hold();
    this.#enter(tenure, "newcomer", tenure.began);
  }

  /** Frozen at the stop, like at a barrier; tried again for as long as there is no room. */
  #writeState(next: Tenure, image: Uint8Array): void {
    const { snapshotting } = this.#options.parts();
    const { began } = next;
    if (snapshotting === null) return this.#enter(next, "executed", began);
    snapshotting.handOver(next, image, (problem) => {
      if (this.#phase !== "writing") return;
      if (problem === null) return this.#enter(next, "executed", began);
      if (problem.code !== "no-space")
        return this.#options.failed(`snapshot of a configuration: ${problem.message}`);
      this.#options.ports.clock.setTimer(NO_SPACE_RETRY_MS, () => this.#writeState(next, image));
    });
  }

  /** `held`: up to where the state here goes, or from where on it must be fetched. */
  #enter(tenure: Tenure, entry: Entry, held: Position): void {
    const { failed } = this.#options;
    const parts = this.#options.parts();
    const { number } = tenure.configuration;
    this.#phase = "entering";
    parts.snapshotting?.hold();
    parts.seat.active = false;
    this.#retire(parts.lingering);
    parts.lingering = parts.seat;
    const broken = (error: PortError): void => failed(`configuration ${number}: ${error.message}`);
    const { storage, identity } = parts.booted;
    const name = { dataId: identity.dataId, configuration: number };
    storage.beginJournal(name, (error) => {
      if (error !== null) return broken(error);
      // The commit point: durable, this node is in the next configuration for good.
      parts.links.enter(tenure, () => {
        parts.booted.identity = parts.links.identity;
        const journal = storage.openJournal(name);
        const seat = this.#options.createSeat(tenure, journal);
        journal.recover(
          (records) => seat.replica?.input({ kind: "recover", records }),
          (problem) => {
            if (problem !== null) return broken(problem);
            this.#begin(seat, entry, held);
          },
        );
      });
    });
  }

  #begin(seat: Seat<S, M>, entry: Entry, held: Position): void {
    const { listener, ports, tell, self } = this.#options;
    const parts = this.#options.parts();
    const { tenure } = seat;
    const { booted, front, links, membership, deliveries, snapshotting } = parts;
    parts.seat = seat;
    booted.journal = seat.journal;
    this.#phase = "steady";
    const needsState = booted.execution !== null && entry === "newcomer";
    const named = isNamed(tenure, booted.identity);
    if (needsState) deliveries?.pause();
    else deliveries?.resume();
    this.#linger();
    const former = parts.lingering?.tenure.configuration.members ?? [];
    ports.network.reach(addressesOf([...tenure.configuration.members, ...former], self));
    startReplica(seat, { booted, held, voter: links.mayVote && !needsState });
    for (const peer of links.ready) tellLinkUp(seat, peer);
    membership.enter(tenure, holdingOf(booted, named && !needsState));
    if (needsState) fetchBeginning(parts);
    front.goOn(tenure, seat.replica !== null, entry === "executed");
    snapshotting?.release();
    tell("configuration begun", { number: tenure.configuration.number });
    listener.configured?.(tenure);
    this.#goOnLearning();
  }

  /** While this one was entered, others may have gone further. */
  #goOnLearning(): void {
    const learned = this.#learned;
    this.#learned = null;
    if (learned !== null) this.learned(learned);
  }

  #linger(): void {
    const { clock } = this.#options.ports;
    if (this.#lingerTimer !== null) clock.clearTimer(this.#lingerTimer);
    this.#lingerTimer = clock.setTimer(LINGER_MS, () => {
      this.#lingerTimer = null;
      const parts = this.#options.parts();
      this.#retire(parts.lingering);
      parts.lingering = null;
    });
  }

  /** Its journal is of no use to anybody then. */
  #retire(seat: Seat<S, M> | null): void {
    if (seat === null) return;
    const { storage } = this.#options.parts().booted;
    const { number } = seat.tenure.configuration;
    closeSeat(seat, () => {
      const done = (error: PortError | null): void => {
        if (error !== null) this.#options.failed(`journal of ${number}: ${error.message}`);
      };
      storage.removeJournals([number], done);
    });
  }
}

/** The replica begins with what this node holds. */
export function startReplica<S, M>(
  seat: Seat<S, M>,
  options: { readonly booted: Booted; readonly held: Position; readonly voter: boolean },
): void {
  const { booted, held, voter } = options;
  seat.replica?.input({
    kind: "start",
    missing: [],
    delivered: held,
    image: new Uint8Array(0),
    incarnation: booted.identity.incarnation,
    voter,
  });
}

/** A member that lacks the state with which its configuration began looks for it. */
export function fetchBeginning<S, M>(parts: HandOverParts<S, M>): void {
  const { seat, booted, membership, snapshotting } = parts;
  if (membership.isFirst || membership.holding !== "none") return;
  if (isNamed(seat.tenure, booted.identity))
    snapshotting?.request(seat.tenure.began, peersOf(parts));
}

/** What a node says that it holds; one that is no member holds it for others, and says nothing. */
export function holdingOf(booted: Booted, holds: boolean): Holding {
  if (!holds) return "none";
  return booted.execution === null ? "nothing" : "state";
}

/** Of the others; of two addresses of one node the first. */
export function addressesOf(members: readonly Member[], self: NodeId): PeerAddress[] {
  const isFirst = ({ id }: Member, at: number): boolean =>
    id !== self && members.findIndex((member) => member.id === id) === at;
  return members.filter(isFirst).map(({ id, address }) => ({ node: id, address }));
}

/** The configuration has a place for this very data directory. */
export function isNamed(
  tenure: Tenure,
  { node, dataId }: { readonly node: NodeId; readonly dataId: string },
): boolean {
  const member = tenure.configuration.members.find(({ id }) => id === node);
  return member !== undefined && (member.dataId ?? dataId) === dataId;
}

/**
 * Who may hold the state: members, and whoever else is linked with this node, as members of the
 * configuration before may be, whose names a restart forgets.
 */
function peersOf<S, M>({ seat, lingering, links }: HandOverParts<S, M>): NodeId[] {
  const members = [
    ...seat.tenure.configuration.members,
    ...(lingering?.tenure.configuration.members ?? []),
  ];
  return [...new Set([...members.map(({ id }) => id), ...links.ready])];
}
