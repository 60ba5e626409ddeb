import { type CrashFate, LOSE_UNSYNCED } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import { SECTOR_BYTES } from "./layout.ts";
import { dyingDisk, numbered } from "./testing/disk-bench.ts";
import { JournalBench } from "./testing/journal-bench.ts";
import { type MappedBlock, mapJournal, namedMissing } from "./testing/journal-map.ts";

/**
 * A journal with a checkpoint of two records, then blocks of one to nine sectors in several
 * segments.
 */
function written(): { bench: JournalBench; blocks: MappedBlock[]; all: number[] } {
  const bench = new JournalBench({ segmentBytes: 8192 });
  const { journal } = bench.open();
  journal.checkpoint([numbered(1, 700), numbered(2, 20)]);
  const all = [1, 2];
  let index = 3;
  for (const count of [1, 3, 2, 5, 1, 4, 1, 6, 2, 3]) {
    const records = Array.from({ length: count }, (_, nth) =>
      numbered(index + nth, 90 + nth * 333),
    );
    bench.write(journal, ...records);
    for (const _ of records) {
      all.push(index);
      index += 1;
    }
  }
  bench.disk.kill();
  const blocks = mapJournal(bench);
  expect(blocks.flatMap((block) => block.indexes)).toEqual(all);
  return { bench, blocks, all };
}

/** Records that were promised and are neither there nor named. */
function lost(
  all: readonly number[],
  indexes: readonly number[],
  named: number[] | null,
): number[] {
  return named === null
    ? []
    : all.filter((index) => !indexes.includes(index) && !named.includes(index));
}

test("rot in any sector is survived: each record comes back or is named, none is cut off", () => {
  const { bench, blocks, all } = written();
  const image = bench.disk.copy();
  for (const block of blocks) {
    for (let sector = block.start; sector < block.end; sector += 1) {
      for (const [byte, bit] of [
        [0, 0],
        [5, 3],
        [8, 7],
        [100, 1],
        [511, 6],
      ] as const) {
        bench.disk.restore(image);
        expect(bench.disk.flipBit(block.name, sector * SECTOR_BYTES + byte, bit)).toBe(true);
        const where = `${block.name} sector ${sector} byte ${byte}`;
        const { missing, indexes, error, journal } = bench.open();
        expect(error, where).toBe(null);
        const named = namedMissing(missing);
        expect(named, where).not.toBe(null);
        expect(lost(all, indexes, named), where).toEqual([]);
        const elsewhere = all.filter((index) => !block.indexes.includes(index));
        const others = indexes.filter((index) => !block.indexes.includes(index));
        expect(others, where).toEqual(elsewhere);
        for (const index of named ?? []) expect(block.indexes, where).toContain(index);
        if (block.indexes.length > 0 && named?.length === 0) expect(indexes, where).toEqual(all);
        // The damage is still reported after new records, whatever it was.
        bench.write(journal, numbered(777));
        const later = bench.open();
        expect(namedMissing(later.missing), where).toEqual(named);
        expect(later.indexes, where).toEqual([...indexes, 777]);
      }
    }
  }
});

test("a body that rots costs the records in that sector only", () => {
  const { bench, blocks } = written();
  const block = blocks.find(({ indexes }) => indexes.length === 6) as MappedBlock;
  bench.disk.flipBit(block.name, (block.twin - 1) * SECTOR_BYTES + 8, 0);
  const { missing } = bench.open();
  expect(missing).toEqual([
    { kind: "slots", log: 0, first: block.indexes[5], last: block.indexes[5] },
  ]);
});

test("a header that rots leaves the names of its records in the next block", () => {
  const { bench, blocks } = written();
  const block = blocks.find(({ indexes }) => indexes.length === 6) as MappedBlock;
  bench.disk.flipBit(block.name, block.start * SECTOR_BYTES + 20, 0);
  const { missing, indexes } = bench.open();
  const [first, last] = [block.indexes[0], block.indexes[5]];
  expect(missing).toEqual([{ kind: "slots", log: 0, first, last }]);
  expect(indexes).not.toContain(first);
});

describe.each(["head", "middle", "tail"] as const)("rot in the %s of the journal", (place) => {
  /** Five records of a sector each, of rising ballots, one block each, and one that ends them. */
  function five() {
    const bench = new JournalBench({ segmentBytes: 65_536 });
    const { journal } = bench.open();
    const abouts = [1, 2, 3, 4, 5].map((round) => {
      const slots = { kind: "slots", log: 0, first: 10 * round, last: 10 * round + 2 } as const;
      const about = { ...slots, ballot: { round, proposer: 3 } };
      bench.write(journal, { record: numbered(round, 900).record, about });
      return about;
    });
    bench.disk.kill();
    const blocks = mapJournal(bench).filter(({ indexes }) => indexes.length > 0);
    const nth = { head: 0, middle: 2, tail: 4 }[place];
    return { bench, block: blocks[nth] as MappedBlock, about: abouts[nth] };
  }

  test("of a record: it is named with its ballot by the table of its block", () => {
    const { bench, block, about } = five();
    bench.disk.flipBit(block.name, (block.twin - 1) * SECTOR_BYTES + 100, 4);
    expect(bench.open().missing).toEqual([about]);
  });

  test("of a whole block: it is named by the next one, and the last one by nobody", () => {
    const { bench, block, about } = five();
    for (let sector = block.start; sector < block.end; sector += 1)
      bench.disk.flipBit(block.name, sector * SECTOR_BYTES + 100, 4);
    expect(bench.open().missing).toEqual(place === "tail" ? "unnamed" : [about]);
  });
});

test("two whole blocks in a row that rot leave the first one without a name", () => {
  const { bench, blocks } = written();
  const [one, two] = blocks.slice(3, 5) as [MappedBlock, MappedBlock];
  for (const block of [one, two])
    for (const sector of [block.start, block.twin])
      expect(bench.disk.flipBit(block.name, sector * SECTOR_BYTES + 20, 0)).toBe(true);
  expect(bench.open().missing).toBe("unnamed");
});

test("the last block is not cut off when it rots", () => {
  const { bench, blocks, all } = written();
  const last = blocks.at(-1) as MappedBlock;
  bench.disk.flipBit(last.name, (last.twin - 1) * SECTOR_BYTES + 30, 2);
  const { missing, indexes } = bench.open();
  expect(missing).toEqual([{ kind: "slots", log: 0, first: all.at(-1), last: all.at(-1) }]);
  expect(indexes).toEqual(all.slice(0, -1));
});

test("a flipped bit behind the end, where nothing was ever written, is not passed over", () => {
  const { bench, blocks, all } = written();
  const last = blocks.at(-1) as MappedBlock;
  expect(bench.disk.flipBit(last.name, (last.end + 1) * SECTOR_BYTES + 77, 2)).toBe(true);
  const { missing, indexes } = bench.open();
  expect(missing).toBe("unnamed");
  expect(indexes).toEqual(all);
});

test("zeros in the middle are not the end", () => {
  const { bench, blocks, all } = written();
  const block = blocks[4] as MappedBlock;
  const zeros = new Uint8Array((block.end - block.start) * SECTOR_BYTES);
  bench.disk.image.file(block.name)?.overwriteAtRest(block.start * SECTOR_BYTES, zeros);
  const { missing, indexes } = bench.open();
  expect(namedMissing(missing)).toEqual(block.indexes);
  expect(indexes).toEqual(all.filter((index) => !block.indexes.includes(index)));
});

test("the header of a segment is not needed to read its blocks", () => {
  const { bench, all } = written();
  for (const name of bench.disk.image.names()) bench.disk.flipBit(name, 3, 1);
  const { missing, indexes } = bench.open();
  expect(missing).toEqual([]);
  expect(indexes).toEqual(all);
});

test("any segment that vanishes is noticed", () => {
  const { bench, blocks, all } = written();
  const image = bench.disk.copy();
  const names = [...new Set(blocks.map((block) => block.name))];
  expect(names.length).toBeGreaterThan(2);
  for (const name of names) {
    bench.disk.restore(image);
    bench.disk.image.removeAtRest(name);
    const gone = blocks.filter((block) => block.name === name).flatMap((block) => block.indexes);
    const { missing, indexes, journal } = bench.open();
    expect(lost(all, indexes, namedMissing(missing)), name).toEqual([]);
    expect(indexes, name).toEqual(all.filter((index) => !gone.includes(index)));
    bench.write(journal, numbered(777));
    expect(bench.open().missing, name).toEqual(missing);
  }
});

test("a journal without any segment has lost everything, and goes on saying so", () => {
  const { bench } = written();
  for (const name of bench.disk.image.names()) bench.disk.image.removeAtRest(name);
  const { missing, journal } = bench.open();
  expect(missing).toBe("unnamed");
  bench.write(journal, numbered(1));
  const later = bench.open();
  expect(later.missing).toBe("unnamed");
  expect(later.indexes).toEqual([1]);
});

test("a checkpoint heals: what was missing before it does not matter any more", () => {
  const { bench, blocks } = written();
  const block = blocks[4] as MappedBlock;
  bench.disk.flipBit(block.name, block.start * SECTOR_BYTES + 20, 0);
  const { journal, missing } = bench.open();
  expect(missing).not.toEqual([]);
  journal.checkpoint([numbered(50)]);
  expect(bench.flush(journal)).toBe(null);
  const healed = bench.open();
  expect([healed.missing, healed.indexes]).toEqual([[], [50]]);
});

test("a block that was written over another one is not taken for it", () => {
  const { bench, blocks, all } = written();
  const [from, to] = [blocks[1] as MappedBlock, blocks[3] as MappedBlock];
  const bytes = bench.disk.image.file(from.name)?.read(from.start * SECTOR_BYTES, SECTOR_BYTES);
  bench.disk.image.file(to.name)?.overwriteAtRest(to.start * SECTOR_BYTES, bytes as Uint8Array);
  const { missing, indexes } = bench.open();
  expect(namedMissing(missing)).toEqual(to.indexes);
  expect(indexes).toEqual(all.filter((index) => !to.indexes.includes(index)));
});

test("a segment of the past under a new name is not read as part of the journal", () => {
  const { bench, blocks, all } = written();
  const name = (blocks[4] as MappedBlock).name;
  const bytes = bench.disk.image.file(name)?.read(0, 1 << 20) as Uint8Array;
  bench.disk.image.putAtRest("journal-000000000900", bytes);
  const { missing, indexes } = bench.open();
  // No seal names it, so nothing can have been put there.
  expect([missing, indexes]).toEqual([[], all]);
});

test("a journal of another node is not read", () => {
  const { bench } = written();
  const stranger = new JournalBench();
  Object.assign(stranger, { identity: "ffffffffffffffffffffffffffffffff" });
  stranger.disk.restore(bench.disk.copy());
  const { missing, indexes } = stranger.open();
  expect(missing).toBe("unnamed");
  expect(indexes).toEqual([]);
});

test("a write to a live segment at an older moment does not bring old records back", () => {
  const bench = new JournalBench({ segmentBytes: 8192 });
  const { journal } = bench.open();
  bench.write(journal, numbered(1));
  bench.write(journal, numbered(2));
  const stale = bench.disk.copy();
  journal.checkpoint([numbered(10)]);
  expect(bench.flush(journal)).toBe(null);
  bench.write(journal, numbered(11));
  for (const name of stale.names())
    if (bench.disk.image.file(name) === null)
      bench.disk.image.putAtRest(name, stale.file(name)?.read(0, 1 << 20) as Uint8Array);
  const { missing, indexes } = bench.open();
  expect([missing, indexes]).toEqual([[], [10, 11]]);
});

/** Keeps the chosen sectors of one unsynced write, and all else. */
function keepSectors(first: number, mask: number, garbage = 0): CrashFate {
  const chosen = (bits: number, sector: number): boolean => ((bits >> (sector - first)) & 1) === 1;
  return {
    sector: (_file, sector) => {
      if (chosen(garbage, sector)) return "garbage";
      return chosen(mask, sector) ? "new" : "old";
    },
    size: (_file, _synced, unsynced) => unsynced,
    garbage: (_file, sector, word) => sector * 7919 + word,
    entry: () => true,
  };
}

for (const preallocate of [true, false]) {
  test(`torn tail, ${preallocate ? "over zeros" : "growing"}: all subsets of eight sectors`, () => {
    const bench = new JournalBench({ preallocate, segmentBytes: 65_536 });
    const early = bench.open().journal;
    for (const index of [1, 2, 3]) bench.write(early, numbered(index, 700));
    const first = (mapJournal(bench).at(-1) as MappedBlock).end;
    for (const index of [4, 5, 6]) early.append(numbered(index, 1030));
    const port = bench.disk;
    port.faults.arm({
      call: "sync",
      prefix: "",
      after: 0,
      times: 0,
      error: { code: "io", message: "" },
    });
    early.flush(() => {});
    port.kill();
    const image = port.copy();
    const whole = 0b1111_1111;
    for (let mask = 0; mask <= whole; mask += 1) {
      port.restore(image);
      port.crash(keepSectors(first, mask));
      const { missing, indexes, journal } = bench.open();
      expect(missing, `mask ${mask}`).toEqual([]);
      expect(indexes, `mask ${mask}`).toEqual(mask === whole ? [1, 2, 3, 4, 5, 6] : [1, 2, 3]);
      bench.write(journal, numbered(50, 1000));
      const later = bench.open();
      expect([later.missing, later.indexes], `mask ${mask}`).toEqual([[], [...indexes, 50]]);
    }
  });
}

test("a tail with garbage in it is not taken for torn: its records are named, or unnamed", () => {
  const bench = new JournalBench({ segmentBytes: 65_536 });
  const early = bench.open().journal;
  for (const index of [1, 2, 3]) bench.write(early, numbered(index, 700));
  const first = (mapJournal(bench).at(-1) as MappedBlock).end;
  for (const index of [4, 5, 6]) early.append(numbered(index, 1200));
  early.flush(() => {});
  bench.disk.kill();
  const image = bench.disk.copy();
  for (let sector = 0; sector < 8; sector += 1) {
    for (const mask of [0, 0xff, 0x0f, 0xf1]) {
      bench.disk.restore(image);
      bench.disk.crash(keepSectors(first, mask, 1 << sector));
      const { missing, indexes } = bench.open();
      const named = namedMissing(missing);
      expect(lost([1, 2, 3, 4, 5, 6], indexes, named)).toEqual([]);
      expect(named === null || named.length > 0, `sector ${sector} mask ${mask}`).toBe(true);
    }
  }
});

test("garbage in a segment that was being made ready is not taken for rot, torn end or not", () => {
  for (const isTorn of [false, true]) {
    const bench = new JournalBench({ segmentBytes: 16_384 });
    const { journal } = bench.open();
    const all: number[] = [];
    // Until the one in use is half full, and the next one is under way.
    const before = bench.disk.image.names().length;
    for (let index = 1; bench.disk.image.names().length < before + 2; index += 1) {
      bench.write(journal, numbered(index, 700));
      all.push(index);
    }
    if (isTorn) {
      journal.append(numbered(777, 2000));
      journal.flush(() => {});
    }
    bench.disk.kill();
    const name = bench.disk.image.names().at(-1) as string;
    const file = bench.disk.image.file(name);
    const garbage = Uint8Array.from({ length: 2 * SECTOR_BYTES }, (_, at) => (at * 31 + 7) & 0xff);
    const last = mapJournal(bench).findLast(({ indexes }) => indexes.length > 0) as MappedBlock;
    expect(last.name < name).toBe(true);
    if (isTorn)
      bench.disk.image
        .file(last.name)
        ?.overwriteAtRest(last.start * SECTOR_BYTES, new Uint8Array(SECTOR_BYTES));
    file?.overwriteAtRest(0, garbage);
    file?.overwriteAtRest(5 * SECTOR_BYTES, garbage);
    const { missing, indexes, journal: again } = bench.open();
    expect([missing, indexes]).toEqual([[], all]);
    bench.write(again, numbered(888, 9_000));
    expect(bench.open().indexes).toEqual([...all, 888]);
  }
});

test("the segment in use is missed even where the next one is ready", () => {
  const bench = new JournalBench({ segmentBytes: 16_384 });
  const { journal } = bench.open();
  for (let index = 1; index <= 60; index += 1) bench.write(journal, numbered(index, 700));
  while (bench.disk.image.names().length === journal.segments) bench.write(journal, numbered(777));
  bench.disk.kill();
  const used = mapJournal(bench).at(-1) as MappedBlock;
  const names = bench.disk.image.names();
  expect(names.indexOf(used.name)).toBe(names.length - 2);
  bench.disk.image.removeAtRest(used.name);
  expect(bench.open().missing).toBe("unnamed");
});

test("a seal may name a segment that another one has replaced since", () => {
  const names = new Set<string>();
  for (let calls = 1; calls <= 40; calls += 1) {
    const bench = new JournalBench({ segmentBytes: 4096 });
    const { journal } = bench.open();
    for (const index of [1, 2, 3]) bench.write(journal, numbered(index, 300));
    bench.disk.kill();
    // Three lives end at the same call, each while a block is written that needs a new segment.
    for (let life = 0; life < 3; life += 1) {
      const again = bench.journal(dyingDisk(bench.disk.attach(), calls + life).disk);
      again.recover(
        () => {},
        () => {
          again.append(numbered(900 + life, 3000));
          again.flush(() => {});
        },
      );
      bench.run();
      bench.disk.crash(LOSE_UNSYNCED);
      names.add(bench.disk.image.names().join());
    }
    const { missing, indexes } = bench.open();
    expect(missing, `after ${calls} calls`).toEqual([]);
    expect(indexes.slice(0, 3), `after ${calls} calls`).toEqual([1, 2, 3]);
  }
  expect(names.size).toBeGreaterThan(4);
});
