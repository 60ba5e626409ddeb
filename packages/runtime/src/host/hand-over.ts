import type {
  About,
  Command,
  Done,
  NodeId,
  PeerAddress,
  PortError,
  Ports,
  Position,
} from "@synod/core";
import type { Member, Tenure } from "../configuration.ts";
import type { HostListener } from "../host-options.ts";
import type { JournalStore } from "../journal/journal-store.ts";
import type { Manifest } from "../snapshots/manifest.ts";
import type { SpareTime } from "../spare-time.ts";
import { type Booted, keepJournal } from "./boot.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Front } from "./front.ts";
import type { Holding } from "./host-messages.ts";
import type { Links } from "./links.ts";
import type { Membership } from "./membership.ts";
import { successorOf } from "./next-configuration.ts";
import { closeSeat, type Seat, seatStatus, tellLinkUp } from "./seat.ts";
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
  readonly spare: SpareTime;
  readonly tell: (event: string, detail: Readonly<Record<string, number>>) => void;
  readonly failed: (reason: string) => void;
}

/** How long a replica goes on answering in a configuration that is over. */
const LINGER_MS = 5_000;
/** A member that has not come to the end of its configuration by then fetches the state. */
const LAG_MS = 1_000;
const NO_SPACE_RETRY_MS = 1_000;

/** How a node enters a configuration. */
interface Entry {
  readonly tenure: Tenure;
  /** Up to where the state here goes, or from where on it must be fetched. */
  readonly held: Position;
  /**
   * `executed`: everything through the stop; `installed`: a state from others, of this
   * configuration, was put in place; `none`: it has none yet, or needs none.
   */
  readonly state: "executed" | "installed" | "none";
  /**
   * What a restart must not begin with: the configuration before stays the one that the identity
   * names, and its journal stays. `state`: until the state is durable here; `settled`: or until
   * others hold it who suffice; null: it may.
   */
  readonly awaits: "state" | "settled" | null;
}

/**
 * Takes this node from one configuration to the next: a journal begins for that, a fresh replica
 * starts, and meanwhile the state at the stop is written as a snapshot that names it. Once that is
 * durable, the identity names the next configuration, and what is left of the one before may go.
 * docs/decisions/0006-configurations.md.
 */
export class HandOver<S, M> {
  readonly #options: HandOverOptions<S, M>;
  /** `ended`: the stop is executed; `entering`: the next replica has not started yet. */
  #phase: "steady" | "ended" | "entering" = "steady";
  /** Comes after the one in force, which has ended. */
  #next: Tenure | null = null;
  /** How the one in force was entered, while the identity names the one before. */
  #provisional: Entry | null = null;
  #committing = false;
  /** Up to this configuration the identity may name any. */
  #secured = 1;
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
    this.#phase = "ended";
    this.#next = successorOf(seat.tenure.configuration, stop.payload, position);
    front.hold();
    snapshotting?.hold();
    this.#options.tell("configuration stopped", { position: position.index });
    snapshotting?.handOver(this.#next, image);
    // Nobody is asked for a stop before the configuration that it ends is settled.
    this.settled();
    this.#goOn();
  }

  /** A snapshot is durable here. */
  durable({ tenure }: Manifest): void {
    if (tenure === null) return;
    this.#secured = Math.max(this.#secured, tenure.configuration.number);
    this.#goOn();
  }

  /** A state was put in place here that belongs to a later configuration. */
  installed({ position, tenure }: Manifest): void {
    if (tenure === null) return;
    this.#options.parts().front.hold();
    this.#enter({ tenure, held: position, state: "installed", awaits: null });
  }

  /** So many hold the state of the configuration in force that the one before is not needed. */
  settled(): void {
    const entry = this.#provisional;
    if (entry?.awaits !== "settled") return;
    this.#secured = Math.max(this.#secured, entry.tenure.configuration.number);
    this.#goOn();
  }

  /** Others are in this configuration. */
  learned(tenure: Tenure): void {
    const { seat } = this.#options.parts();
    const newest = this.#learned?.configuration.number ?? seat.tenure.configuration.number;
    if (tenure.configuration.number <= newest || this.#stopped) return;
    this.#learned = tenure;
    // Nor does one end before.
    if (this.#phase === "steady") this.settled();
    this.#goOn();
  }

  stop(): void {
    this.#stopped = true;
    const { clock } = this.#options.ports;
    if (this.#lagTimer !== null) clock.clearTimer(this.#lagTimer);
    if (this.#lingerTimer !== null) clock.clearTimer(this.#lingerTimer);
  }

  /** Whatever is possible now, one step at a time. */
  #goOn(): void {
    if (this.#phase === "entering" || this.#committing || this.#stopped) return;
    const { tenure = null } = this.#provisional ?? {};
    if (tenure !== null && tenure.configuration.number <= this.#secured) return this.#commit();
    const next = this.#next;
    if (next !== null) {
      const isDurable = next.configuration.number <= this.#secured;
      if (tenure === null || isDurable) this.#enterNext(next, isDurable);
    } else if (this.#learned !== null) this.#follow(this.#learned);
  }

  #enterNext(tenure: Tenure, isDurable: boolean): void {
    const { booted } = this.#options.parts();
    const needsState = booted.execution !== null && isNamed(tenure, booted.identity);
    const awaits = needsState ? "state" : "settled";
    const entry = { tenure, held: tenure.began, state: "executed" } as const;
    this.#enter({ ...entry, awaits: isDurable ? null : awaits });
  }

  /** The identity names the configuration in force: the one before is not needed any more. */
  #commit(): void {
    const { links, membership, booted } = this.#options.parts();
    const entry = this.#provisional;
    this.#committing = true;
    links.commit(() => {
      this.#committing = false;
      if (this.#provisional !== entry) return this.#goOn();
      this.#provisional = null;
      const { seat } = this.#options.parts();
      membership.holds(holdingOf(booted, isNamed(seat.tenure, booted.identity)));
      this.#dropLingering();
      this.#goOn();
    });
  }

  /** After the others, who are in a later configuration. */
  #follow(tenure: Tenure): void {
    const { seat, booted } = this.#options.parts();
    // Whoever takes part in the old one gets to its end by messages, if it is not far from it.
    if (seat.replica !== null) return this.#waitForEnd();
    // To a node that was never a member of anything, a configuration without it is nothing. In one
    // that has its name, under a data id that is lost, it serves without a vote.
    const isNew = seat.tenure.configuration.number === 1;
    const { members } = tenure.configuration;
    if (!isNew || members.some(({ id }) => id === booted.identity.node)) this.#takeLearned(tenure);
  }

  #waitForEnd(): void {
    if (this.#lagTimer !== null) return;
    this.#lagTimer = this.#options.ports.clock.setTimer(LAG_MS, () => {
      this.#lagTimer = null;
      if (this.#learned === null || this.#phase !== "steady" || this.#stopped) return;
      const { snapshotting, seat, booted } = this.#options.parts();
      // Without a state machine, or a place in what comes, there is nothing to fetch.
      if (snapshotting === null || !isNamed(this.#learned, booted.identity))
        return this.#takeLearned(this.#learned);
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
  #takeLearned(tenure: Tenure): void {
    // Where the one before is still needed, this comes when it is not any more.
    if (this.#provisional !== null) return;
    const { front, seat } = this.#options.parts();
    front.hold();
    const awaits = seat.replica === null ? null : "settled";
    this.#enter({ tenure, held: tenure.began, state: "none", awaits });
  }

  #enter(entry: Entry): void {
    const { failed, ports } = this.#options;
    const parts = this.#options.parts();
    const { tenure, awaits } = entry;
    const { number } = tenure.configuration;
    this.#phase = "entering";
    this.#next = null;
    this.#provisional = awaits === null ? null : entry;
    parts.snapshotting?.hold();
    parts.seat.active = false;
    this.#retire(parts.lingering);
    parts.lingering = parts.seat;
    const broken = (error: PortError): void => failed(`configuration ${number}: ${error.message}`);
    const { storage, identity } = parts.booted;
    const name = { dataId: identity.dataId, configuration: number };
    const begin = (): void => keepJournal(storage, name, begun);
    const begun: Done = (error) => {
      if (error?.code === "no-space") return void ports.clock.setTimer(NO_SPACE_RETRY_MS, begin);
      if (error !== null) return broken(error);
      parts.links.enter(tenure, awaits !== null, () => {
        parts.booted.identity = parts.links.identity;
        const journal = storage.openJournal(name);
        const seat = this.#options.createSeat(tenure, journal);
        journal.recover(
          (records) => seat.replica?.input({ kind: "recover", records }),
          (problem, { missing }) => {
            if (problem !== null) return broken(problem);
            this.#begin(seat, entry, missing);
          },
        );
      });
    };
    begin();
  }

  #begin(seat: Seat<S, M>, entry: Entry, missing: readonly About[] | "unnamed"): void {
    const { listener, ports, tell, self } = this.#options;
    const parts = this.#options.parts();
    const { tenure, state, held } = entry;
    const { booted, front, links, membership, deliveries, snapshotting } = parts;
    parts.seat = seat;
    booted.journal = seat.journal;
    this.#phase = "steady";
    const needsState = booted.execution !== null && state === "none";
    const named = isNamed(tenure, booted.identity);
    this.#options.spare.hearsOfCommands(seat.replica !== null);
    if (needsState) deliveries?.pause();
    else deliveries?.resume();
    this.#linger();
    const former = parts.lingering?.tenure.configuration.members ?? [];
    const before = parts.lingering?.replica === null ? null : parts.lingering?.tenure;
    const wasMember = before?.configuration.number === tenure.configuration.number - 1;
    ports.network.reach(addressesOf([...tenure.configuration.members, ...former], self));
    const led = state === "executed" && seatStatus(parts.lingering).leader === self;
    startReplica(seat, { booted, held, missing, voter: links.mayVote && !needsState, led });
    for (const peer of links.ready) tellLinkUp(seat, peer);
    const holds = named && !needsState && entry.awaits !== "state";
    membership.enter(tenure, holdingOf(booted, holds), wasMember);
    if (needsState) fetchBeginning(parts);
    front.goOn(tenure, seat.replica !== null, state !== "none");
    snapshotting?.release();
    tell("configuration begun", { number: tenure.configuration.number });
    listener.configured?.(tenure);
    const newest = this.#learned?.configuration.number ?? 0;
    if (newest <= tenure.configuration.number) this.#learned = null;
    // While this one was entered, others may have gone further.
    this.#goOn();
  }

  #linger(): void {
    const { clock } = this.#options.ports;
    if (this.#lingerTimer !== null) clock.clearTimer(this.#lingerTimer);
    this.#lingerTimer = clock.setTimer(LINGER_MS, () => {
      this.#lingerTimer = null;
      this.#dropLingering();
    });
  }

  /** For a while at least, and for as long as a restart goes back to it. */
  #dropLingering(): void {
    if (this.#lingerTimer !== null || this.#provisional !== null) return;
    const parts = this.#options.parts();
    this.#retire(parts.lingering);
    parts.lingering = null;
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
  options: {
    readonly booted: Booted;
    readonly held: Position;
    readonly missing: readonly About[] | "unnamed";
    readonly voter: boolean;
    readonly led: boolean;
  },
): void {
  const { booted, held, missing, voter, led } = options;
  seat.replica?.input({
    kind: "start",
    missing,
    delivered: held,
    image: new Uint8Array(0),
    incarnation: booted.identity.incarnation,
    voter,
    led,
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
