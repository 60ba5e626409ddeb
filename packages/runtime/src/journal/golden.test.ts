import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ABOUT_META, type JournalRecord } from "@synod/core";
import { expect, test } from "vitest";
import { indexOf, numbered } from "./testing/disk-bench.ts";
import { JournalBench } from "./testing/journal-bench.ts";

const golden = fileURLToPath(new URL("./testdata/journal-v3.txt", import.meta.url));

/** Sixteen bytes a line with their offset; runs of zero lines are left out. */
function dump(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    if (row.every((byte) => byte === 0)) continue;
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex}`);
  }
  return lines;
}

/** A checkpoint, plain blocks with every field in use, a seal, a second segment. */
function smallJournal(): JournalBench {
  const bench = new JournalBench({ segmentBytes: 4096, preallocate: false });
  const { journal } = bench.open();
  journal.checkpoint([{ record: Uint8Array.of(1, 2, 3), about: ABOUT_META }, numbered(6, 30)]);
  bench.write(journal, numbered(7, 600), {
    record: new Uint8Array(0),
    about: { kind: "instance", log: 3, first: 5, last: 2 ** 40 },
  });
  bench.write(journal, {
    record: Uint8Array.of(9),
    about: { kind: "object", log: 1, first: 2, last: 2, ballot: { round: 2 ** 33, proposer: 5 } },
  });
  bench.write(journal, numbered(8, 3000));
  return bench;
}

function text(bench: JournalBench): string {
  const { image } = bench.disk;
  const lines = image
    .names()
    .flatMap((name) => [name, ...dump(image.file(name)?.read(0, 1 << 20) ?? new Uint8Array(0))]);
  return `${lines.join("\n")}\n`;
}

/** Puts the frozen files on a disk, with zeros where the dump has no lines. */
function frozen(): JournalBench {
  const bench = new JournalBench({ segmentBytes: 4096, preallocate: false });
  bench.disk.wipe();
  let name = "";
  let bytes = new Uint8Array(8192);
  for (const line of [...readFileSync(golden, "utf8").trim().split("\n"), ""]) {
    if (/^[0-9a-f]{6} {2}/.test(line)) {
      const at = Number.parseInt(line.slice(0, 6), 16);
      bytes.set(
        line
          .slice(8)
          .split(" ")
          .map((hex) => Number.parseInt(hex, 16)),
        at,
      );
      continue;
    }
    if (name !== "") bench.disk.image.putAtRest(name, bytes);
    name = line;
    bytes = new Uint8Array(8192);
  }
  return bench;
}

test("the format of version 3 is frozen, byte by byte", () => {
  expect(text(smallJournal())).toBe(readFileSync(golden, "utf8"));
});

test("the frozen bytes are read as what was written", () => {
  const bench = frozen();
  expect(bench.disk.image.names().length).toBe(3);
  const records: JournalRecord[] = [];
  const [error, found] = bench.settle<[unknown, unknown]>((done) =>
    bench.journal().recover((slice) => records.push(...slice), done),
  );
  expect([error, found]).toEqual([null, { missing: [] }]);
  expect(records.map(({ about }) => about)).toEqual([
    ABOUT_META,
    { kind: "slots", log: 0, first: 6, last: 6 },
    { kind: "slots", log: 0, first: 7, last: 7 },
    { kind: "instance", log: 3, first: 5, last: 2 ** 40 },
    { kind: "object", log: 1, first: 2, last: 2, ballot: { round: 2 ** 33, proposer: 5 } },
    { kind: "slots", log: 0, first: 8, last: 8 },
  ]);
  expect(records.map(({ record }) => record.length)).toEqual([3, 30, 600, 0, 1, 3000]);
  expect([...(records[0]?.record ?? [])]).toEqual([1, 2, 3]);
  expect([1, 2, 5].map((at) => indexOf(records[at] as JournalRecord))).toEqual([6, 7, 8]);
});
