import { segmentSequence, twinSectors } from "../layout.ts";
import { type Finding, walkSegment } from "../segment-walk.ts";
import { indexOf } from "./disk-bench.ts";
import type { JournalBench } from "./journal-bench.ts";

/** Where a block lies, and which records it holds. */
export interface MappedBlock {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Where the twin of its header begins. */
  readonly twin: number;
  readonly indexes: readonly number[];
  readonly checkpoint: boolean;
  readonly seals: boolean;
}

/** All blocks of a whole journal, in order. */
export function mapJournal(bench: JournalBench): MappedBlock[] {
  const blocks: MappedBlock[] = [];
  const disk = bench.disk.attach();
  const { checksum, identity } = bench;
  for (const name of bench.disk.image.names()) {
    const segment = segmentSequence(name);
    if (segment === null) continue;
    const found = (finding: Finding): boolean => {
      if (finding.kind !== "block" || !finding.block.whole) throw new Error("a damaged journal");
      const { start, end, block } = finding;
      const { checkpoint, seals } = block.head.flags;
      const twin = end - twinSectors(block.head.names);
      const indexes = block.records.map(indexOf);
      blocks.push({ name, start, end, twin, checkpoint, seals, indexes });
      return false;
    };
    bench.settle((done) =>
      walkSegment({ disk, checksum, identity, segment }, { found, paused: () => {}, ended: done }),
    );
  }
  return blocks;
}

/** Which records are named as missing; null if it is said that nobody knows. */
export function namedMissing(
  missing: readonly { readonly first: number; readonly last: number }[] | "unnamed",
): number[] | null {
  if (missing === "unnamed") return null;
  return missing.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
}
