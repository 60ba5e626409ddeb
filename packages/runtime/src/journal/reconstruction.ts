import type { About, JournalRecord } from "@synod/core";
import { mergeAbouts } from "./about-codec.ts";
import { STAMP_NUMBERS } from "./layout.ts";
import type { Finding, FoundBlock, StrayRun } from "./segment-walk.ts";

/** What is known of the end of the journal once everything has been read. */
export interface JournalEnd {
  readonly missing: readonly About[] | "unnamed";
  /** Number of the next block, and what it carries of the one before. */
  readonly number: number;
  readonly chain: number;
  readonly echo: readonly About[];
  readonly afterUnknown: boolean;
  /** The checkpoint that everything hangs on was seen to be complete, or must have been. */
  readonly complete: boolean;
  /** Where the next block may go; null when only a new segment will do. */
  readonly tail: { readonly segment: number; readonly sector: number } | null;
  /**
   * A write that power loss cut short and that nobody was told of: to be overwritten with zeros.
   */
  readonly torn: { readonly segment: number; readonly start: number; readonly end: number } | null;
  /** The segment that the last block names as the next one; 0: it names none. */
  readonly sealedTo: number;
  /** The last block, if it is whole. */
  readonly last: { readonly segment: number; readonly start: number; readonly end: number } | null;
  /** Segments that hold blocks, or something that may have been one. */
  readonly occupied: ReadonlySet<number>;
  /** Size of the blocks since the checkpoint, in sectors. */
  readonly sectors: number;
}

interface Last {
  readonly segment: number;
  readonly start: number;
  readonly end: number;
  readonly seals: boolean;
  /** Of a seal: the segment that comes next. */
  readonly successor: number;
  readonly whole: boolean;
}

/** The segment that goes on where a seal names `successor`: that one, or one in its place. */
type SuccessorOf = (successor: number) => number | null;

/**
 * Puts a journal together from what was found in its segments, in order, and judges the rest. The
 * rules: a damaged stretch with a good block behind it was once whole: rot, and its records are
 * named from the table of the block or from the echo in the next. At the very end it is torn if
 * every sector is either new or zero, for at most one block is ever under way; else it is rot, too.
 * Nothing is dropped in silence.
 */
export class Reconstruction {
  #expected: number;
  #chain: number | null = null;
  #echo: readonly About[] = [];
  #afterUnknown = false;
  #suspects: Finding[] = [];
  #missing: About[] = [];
  #unnamed = false;
  #ready: JournalRecord[] = [];
  /** Records of a checkpoint that may turn out not to be complete. */
  #held: JournalRecord[] | null;
  #last: Last | null = null;
  #sectors = 0;
  #tailLost = false;
  readonly #occupied = new Set<number>();

  /**
   * `first`: number of the first block of the checkpoint. `certain`: it is known to be complete.
   */
  constructor(first: number, certain: boolean) {
    this.#expected = first;
    this.#held = certain ? null : [];
  }

  feed(finding: Finding): void {
    this.#occupied.add(finding.segment);
    if (finding.kind === "stray" || !finding.block.whole) {
      this.#suspects.push(finding);
      return;
    }
    const { head } = finding.block;
    const continues = this.#suspects.length === 0 && head.number === this.#expected;
    if (!continues) this.#resolve(finding);
    else if (this.#chain !== null && this.#chain !== head.chain) this.#unnamed = true;
    this.#accept(finding);
  }

  /** The records that are certain by now, in order; each once. */
  take(): JournalRecord[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** Everything has been read. */
  finish(successorOf: SuccessorOf): JournalEnd {
    let torn: JournalEnd["torn"] = null;
    this.#dropNeverEntered(successorOf);
    if (this.#suspects.length > 0) {
      torn = this.#tornTail();
      if (torn === null) this.#condemnTail();
    }
    const last = this.#last;
    const clean = this.#held !== null && !this.#unnamed && this.#missing.length === 0;
    if (last === null || (last.seals && successorOf(last.successor) === null)) this.#loseNext();
    if (this.#held !== null && !clean) this.#openUnproven();
    return {
      missing: this.#unnamed ? "unnamed" : mergeAbouts(this.#missing),
      number: this.#expected,
      chain: this.#chain ?? 0,
      echo: this.#echo,
      afterUnknown: this.#afterUnknown,
      complete: this.#held === null,
      tail: this.#tail(torn),
      torn,
      sealedTo: last?.seals === true && !this.#tailLost ? last.successor : 0,
      last: this.#last?.whole ? this.#last : null,
      occupied: this.#occupied,
      sectors: this.#sectors,
    };
  }

  #accept(found: FoundBlock): void {
    const { head, records, chain, abouts } = found.block;
    this.#expected = head.number + 1;
    this.#chain = chain;
    this.#echo = mergeAbouts(abouts ?? []);
    this.#afterUnknown = false;
    this.#last = lastOf(found);
    this.#hand(records);
    if (head.flags.checkpoint) this.#sectors = 0;
    else this.#sectors += head.sectors;
    if (head.flags.closes) this.#openHeld();
  }

  #hand(records: readonly JournalRecord[]): void {
    const into = this.#held ?? this.#ready;
    for (const record of records) into.push(record);
  }

  #openHeld(): void {
    const held = this.#held ?? [];
    this.#held = null;
    this.#hand(held);
  }

  /**
   * Damage where the end of the checkpoint should be: whether it superseded what is older, nobody
   * knows.
   */
  #openUnproven(): void {
    this.#openHeld();
    this.#unnamed = true;
  }

  /**
   * A good block stands behind the suspects, or behind a gap: whatever is missing before it is rot.
   */
  #resolve(next: FoundBlock): void {
    const { head, echo } = next.block;
    const suspects = this.#suspects.filter((suspect) => suspect.kind === "block");
    this.#suspects = [];
    if (head.number < this.#expected) this.#unnamed = true;
    const echoes = new Map<number, readonly About[]>();
    for (const { block } of suspects)
      if (block.echo !== null && !block.head.flags.afterUnknown)
        echoes.set(block.head.number - 1, block.echo);
    if (echo !== null && !head.flags.afterUnknown) echoes.set(head.number - 1, echo);
    for (const suspect of suspects) {
      this.#nameUpTo(suspect.block.head.number, echoes);
      this.#salvage(suspect, echoes.get(suspect.block.head.number) ?? null);
    }
    this.#nameUpTo(head.number, echoes);
    this.#chain = null;
  }

  /** Blocks of which nothing is left: the last of them is known from its echo. */
  #nameUpTo(number: number, echoes: ReadonlyMap<number, readonly About[]>): void {
    const gap = number - this.#expected;
    if (gap === 1) this.#miss(echoes.get(this.#expected) ?? null);
    else if (gap > 1) this.#unnamed = true;
    this.#expected = Math.max(this.#expected, number);
  }

  /** Takes from a damaged block what is good in it, and names the rest. */
  #salvage(found: FoundBlock, echoed: readonly About[] | null): void {
    const { head, records, damaged } = found.block;
    if (head.number !== this.#expected) this.#unnamed = true;
    this.#hand(records);
    this.#miss(damaged ?? echoed);
    if (head.flags.closes) this.#openHeld();
    this.#expected = Math.max(this.#expected, head.number + 1);
    this.#last = lastOf(found);
  }

  #miss(abouts: readonly About[] | null): void {
    if (abouts === null) this.#unnamed = true;
    else this.#missing.push(...abouts);
  }

  /**
   * A segment is made ready before a seal names it, and nothing is put there before that seal is
   * durable. What a power loss has left in one that no seal can have named was never anything.
   */
  #dropNeverEntered(successorOf: SuccessorOf): void {
    const last = this.#last;
    if (last === null || !last.whole) return;
    const entered = last.seals ? (successorOf(last.successor) ?? last.segment) : last.segment;
    const isFar = ({ segment }: Finding): boolean => segment > entered;
    const far = this.#suspects.filter(isFar);
    if (!far.every((suspect) => suspect.kind === "stray" && suspect.highest === 0)) return;
    const near = this.#suspects.filter((suspect) => !isFar(suspect));
    this.#suspects = near;
    // A suspect that may have been promised may have been the seal.
    if (near.length > 0 && this.#tornTail() === null) this.#suspects.push(...far);
    else for (const { segment } of far) this.#occupied.delete(segment);
  }

  /**
   * The only suspect at the end is one block of which every sector is either as written or zero.
   */
  #tornTail(): JournalEnd["torn"] {
    const [suspect, another] = this.#suspects;
    if (suspect === undefined || another !== undefined) return null;
    const last = this.#last;
    if (last !== null && suspect.segment < last.segment) return null;
    const proven = suspect.kind === "block" ? this.#isTornBlock(suspect) : this.#isTornRun(suspect);
    if (!proven) return null;
    const start = last !== null && last.segment === suspect.segment ? last.end : 1;
    return { segment: suspect.segment, start, end: suspect.end };
  }

  #isTornBlock({ block }: FoundBlock): boolean {
    return block.badSectors === 0 && block.zeroSectors > 0 && block.head.number === this.#expected;
  }

  #isTornRun({ bad, lowest, highest }: StrayRun): boolean {
    const number = this.#expected % STAMP_NUMBERS;
    return bad === 0 && lowest === number && highest === number;
  }

  /** Suspects at the end that may have been promised to somebody. */
  #condemnTail(): void {
    const suspects = this.#suspects;
    this.#suspects = [];
    this.#chain = null;
    this.#echo = [];
    for (const suspect of suspects) {
      if (suspect.kind === "stray") {
        this.#loseNext();
        continue;
      }
      const { abouts } = suspect.block;
      this.#salvage(suspect, null);
      this.#afterUnknown = abouts === null;
      this.#echo = mergeAbouts(abouts ?? []);
    }
    this.#tailLost = true;
  }

  /**
   * Something stood here and is gone: its number is not used again, so that the gap stays visible.
   */
  #loseNext(): void {
    this.#unnamed = true;
    this.#afterUnknown = true;
    this.#echo = [];
    this.#expected += 1;
    this.#tailLost = true;
  }

  #tail(torn: JournalEnd["torn"]): JournalEnd["tail"] {
    if (this.#tailLost) return null;
    if (torn !== null) return { segment: torn.segment, sector: torn.start };
    const last = this.#last;
    return last === null || last.seals ? null : { segment: last.segment, sector: last.end };
  }
}

function lastOf({ segment, start, end, block }: FoundBlock): Last {
  const { flags, successor } = block.head;
  return { segment, start, end, seals: flags.seals, successor, whole: block.whole };
}
