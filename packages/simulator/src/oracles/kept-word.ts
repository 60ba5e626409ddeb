import type { NodeId } from "@synod/core";
import type { Accuse } from "./verdict.ts";

/** A ballot as one number that orders as ballots do. */
export type Rank = number;

/** What a voter holds when it starts again, as an oracle asks for it. */
export interface Held {
  readonly promised: Rank;
  /** Slots up to here are gone because they are chosen and in a snapshot. */
  readonly compactedUpTo: number;
  /** The ballot of what it holds in `slot`; null: nothing. Infinite: known as chosen. */
  accepted(slot: number): Rank | null;
}

interface Word {
  promised: Rank;
  readonly accepted: Map<number, Rank>;
}

/**
 * What a voter has told others binds it. It never takes part below a ballot that it promised, and
 * after every restart it still holds its highest promise and every acceptance that it told of.
 */
export class KeptWord {
  readonly #accuse: Accuse;
  readonly #words = new Map<NodeId, Word>();
  /** Who told of an acceptance, and who proposed: by slot, then ballot. */
  readonly #votes = new Map<number, Map<Rank, Set<NodeId>>>();
  readonly #excused = new Set<NodeId>();
  readonly #led = new Set<Rank>();
  readonly #proposed = new Map<number, Map<Rank, string>>();

  constructor(accuse: Accuse) {
    this.#accuse = accuse;
  }

  /** A promise of `node` leaves it. */
  promises(node: NodeId, ballot: Rank): void {
    const word = this.#word(node);
    word.promised = Math.max(word.promised, ballot);
  }

  /**
   * `node` tells that it has accepted in `slot`. True: it had told so of a lower ballot before.
   */
  accepts(node: NodeId, slot: number, ballot: Rank): boolean {
    const word = this.#word(node);
    const before = word.accepted.get(slot);
    if (before === ballot) return false;
    if (ballot < word.promised)
      this.#accuse(
        "word",
        `node ${node} accepted slot ${slot} in ballot ${ballot} after promising ${word.promised}`,
      );
    word.accepted.set(slot, Math.max(before ?? 0, ballot));
    this.#votesOf(slot, ballot).add(node);
    return before !== undefined && before < ballot;
  }

  /** `node` tells of an acceptance that it made before it may have promised a higher ballot. */
  acceptedBefore(node: NodeId, slot: number, ballot: Rank): void {
    const { accepted } = this.#word(node);
    const before = accepted.get(slot) ?? 0;
    if (ballot < before)
      this.#accuse("word", `node ${node} tells of ballot ${ballot} in slot ${slot}, not ${before}`);
    accepted.set(slot, Math.max(before, ballot));
    this.#votesOf(slot, ballot).add(node);
  }

  /**
   * `node` is the first to take `slot` for chosen: in some ballot a quorum must have told that it
   * accepted there, its proposer counted among them.
   */
  chooses(node: NodeId, slot: number, isQuorum: (voters: ReadonlySet<NodeId>) => boolean): void {
    const ballots = [...(this.#votes.get(slot)?.values() ?? [])];
    if (!ballots.some(isQuorum))
      this.#accuse("word", `node ${node} takes slot ${slot} for chosen without a quorum of votes`);
  }

  /**
   * A promise of `node` says all that it holds in slots `first..last`: nothing is missing that it
   * told of before.
   */
  tells(node: NodeId, first: number, last: number, holds: (slot: number) => boolean): void {
    for (const slot of this.#word(node).accepted.keys())
      if (slot >= first && slot <= last && !holds(slot))
        this.#accuse("word", `node ${node} promises and conceals slot ${slot}`);
  }

  /** `node` was elected: nobody, not even itself, leads the same ballot twice. */
  leads(node: NodeId, ballot: Rank): void {
    if (this.#led.has(ballot)) this.#accuse("word", `node ${node} leads ballot ${ballot} again`);
    this.#led.add(ballot);
  }

  /**
   * A proposer proposes the value with this hash: one value for each slot of a ballot. False: it
   * had proposed it before.
   */
  proposes(node: NodeId, slot: number, ballot: Rank, hash: string): boolean {
    let ballots = this.#proposed.get(slot);
    if (ballots === undefined) {
      ballots = new Map();
      this.#proposed.set(slot, ballots);
    }
    const known = ballots.get(ballot);
    this.#votesOf(slot, ballot).add(node);
    if (known === undefined) ballots.set(ballot, hash);
    else if (known !== hash)
      this.#accuse("word", `node ${node} proposes two values in slot ${slot}, ballot ${ballot}`);
    return known === undefined;
  }

  /**
   * Its disk was replaced by an empty or older one: it does not know what it said. That no vote of
   * it leaves any more is the business of another oracle.
   */
  excuse(node: NodeId): void {
    this.#excused.add(node);
  }

  isExcused(node: NodeId): boolean {
    return this.#excused.has(node);
  }

  /** `node` has started again as a voter, and holds this. */
  startsWith(node: NodeId, held: Held): void {
    if (this.#excused.has(node)) return;
    const word = this.#word(node);
    if (held.promised < word.promised)
      this.#accuse(
        "word",
        `node ${node} starts with the promise ${held.promised}, it had told ${word.promised}`,
      );
    for (const [slot, ballot] of word.accepted) {
      if (slot <= held.compactedUpTo) {
        word.accepted.delete(slot);
        continue;
      }
      const kept = held.accepted(slot);
      if (kept !== null && kept >= ballot) continue;
      this.#accuse("word", `node ${node} starts without slot ${slot}, accepted in ${ballot}`);
    }
  }

  #votesOf(slot: number, ballot: Rank): Set<NodeId> {
    const ballots = this.#votes.get(slot) ?? new Map<Rank, Set<NodeId>>();
    this.#votes.set(slot, ballots);
    const voters = ballots.get(ballot) ?? new Set<NodeId>();
    ballots.set(ballot, voters);
    return voters;
  }

  #word(node: NodeId): Word {
    let word = this.#words.get(node);
    if (word === undefined) {
      word = { promised: 0, accepted: new Map() };
      this.#words.set(node, word);
    }
    return word;
  }
}
