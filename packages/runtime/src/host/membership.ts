import type { Clock, NodeId } from "@synod/core";
import { quorumsOf, type Tenure } from "../configuration.ts";
import type { Configured, Holding } from "./host-messages.ts";

export interface MembershipOptions {
  readonly self: NodeId;
  readonly clock: Clock;
  readonly send: (to: NodeId, message: Configured) => void;
  /** Connected peers whose frames count. */
  readonly ready: () => readonly NodeId[];
  /** Somebody is in this configuration, which comes after the one in force here. */
  readonly learned: (tenure: Tenure) => void;
  /** For the first time since it began, this peer says that it is in the configuration in force. */
  readonly entered: (peer: NodeId) => void;
  /** The configuration in force is settled; told whenever somebody says what he holds. */
  readonly settled: () => void;
}

/** How often members that have not said what they hold are asked. */
const ASK_MS = 250;
/** A peer that speaks in another configuration is answered no more often than this. */
const ANSWER_MS = 100;

/**
 * Who durably holds the state with which the configuration in force began, as far as this node has
 * been told, and how others come to hear of that configuration. In the first one, which nobody has
 * to be told of, nothing is sent.
 */
export class Membership {
  readonly #options: MembershipOptions;
  #tenure: Tenure;
  #holding: Holding;
  /** False: this node was no member of the configuration before either. */
  #wasMember = true;
  readonly #holders = new Map<NodeId, Holding>();
  /** Peers that have said that they are in the configuration in force. */
  readonly #present = new Set<NodeId>();
  readonly #answeredAt = new Map<NodeId, number>();
  #timer: number | null = null;
  #stopped = false;

  constructor(options: MembershipOptions, tenure: Tenure, holding: Holding) {
    this.#options = options;
    this.#tenure = tenure;
    this.#holding = holding;
  }

  get isFirst(): boolean {
    return this.#tenure.configuration.number === 1;
  }

  get holding(): Holding {
    return this.#holding;
  }

  /** Members that hold it, ascending. */
  get holders(): NodeId[] {
    return this.#tenure.configuration.members.map(({ id }) => id).filter((id) => this.#holds(id));
  }

  /**
   * What the members of the configuration before hold is not needed any more: a phase-2 quorum of
   * this one holds the state, so whatever is chosen in it stands on all that came before. Where
   * some members need no state, a quorum could consist of just those: then all must have told.
   */
  get isSettled(): boolean {
    if (this.isFirst) return true;
    const { configuration } = this.#tenure;
    const { holders } = this;
    if (!quorumsOf(configuration).isPhase2(new Set(holders))) return false;
    const stateless = holders.some((id) => this.#holdingOf(id) === "nothing");
    return !stateless || holders.length === configuration.members.length;
  }

  /**
   * Whether members may still need what a node holds that is none of them. If it was none before
   * either they do not: another configuration can only begin when the one before is settled.
   */
  get isNeeded(): boolean {
    return this.#wasMember && !this.isSettled;
  }

  /**
   * This configuration is in force now, and this node durably holds so much of its beginning.
   * `wasMember`: it was a member of the one just before.
   */
  enter(tenure: Tenure, holding: Holding, wasMember: boolean): void {
    this.#tenure = tenure;
    this.#wasMember = wasMember;
    this.#holders.clear();
    this.#present.clear();
    this.#holding = holding;
    this.begin();
  }

  /** Tells all, and asks from time to time whoever has not told. */
  begin(): void {
    if (this.isFirst) return;
    for (const peer of this.#options.ready()) this.#tell(peer, true);
    this.#arm();
  }

  /** From now on this node durably holds the state. */
  holds(holding: Holding): void {
    if (this.#holding === holding) return;
    this.#holding = holding;
    if (this.isFirst) return;
    for (const peer of this.#options.ready()) this.#tell(peer, false);
    if (this.isSettled) this.#options.settled();
  }

  linkReady(peer: NodeId): void {
    if (!this.isFirst) this.#tell(peer, true);
  }

  heard(from: NodeId, { tenure, holding, asks }: Configured): void {
    const { number } = this.#tenure.configuration;
    const theirs = tenure.configuration.number;
    if (theirs > number) return this.#options.learned(tenure);
    if (theirs < number) return this.#tell(from, true);
    if (asks && !this.isFirst) this.#tell(from, false);
    if (!this.#present.has(from)) {
      this.#present.add(from);
      this.#options.entered(from);
    }
    if (holding === "none") return;
    this.#holders.set(from, holding);
    if (this.isSettled) this.#options.settled();
  }

  /** A message for a replica of a configuration that is not in force here. */
  foreign(from: NodeId): void {
    const now = this.#options.clock.now();
    if (now < (this.#answeredAt.get(from) ?? Number.NEGATIVE_INFINITY) + ANSWER_MS) return;
    this.#answeredAt.set(from, now);
    this.#tell(from, true);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #arm(): void {
    if (this.#timer !== null || this.#stopped) return;
    this.#timer = this.#options.clock.setTimer(ASK_MS, () => {
      this.#timer = null;
      if (this.#askSilent()) this.#arm();
    });
  }

  /** False when there is nobody left to ask. */
  #askSilent(): boolean {
    const { members } = this.#tenure.configuration;
    const silent = members.filter(({ id }) => !this.#holds(id)).map(({ id }) => id);
    const ready = this.#options.ready();
    for (const peer of silent) if (ready.includes(peer)) this.#tell(peer, true);
    return silent.length > 0;
  }

  #holds(node: NodeId): boolean {
    return this.#holdingOf(node) !== "none";
  }

  #holdingOf(node: NodeId): Holding {
    return node === this.#options.self ? this.#holding : (this.#holders.get(node) ?? "none");
  }

  #tell(to: NodeId, asks: boolean): void {
    this.#options.send(to, {
      kind: "configured",
      tenure: this.#tenure,
      holding: this.#holding,
      asks,
    });
  }
}
