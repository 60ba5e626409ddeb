import type { About, Disk, Done, PortError } from "@synod/core";
import { KEEP_UNSYNCED, LOSE_UNSYNCED, seededFate } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import { FORMATTING_NAME, type FoundIdentity, readIdentity } from "./identity.ts";
import type { Identity } from "./identity-codec.ts";
import { type FormatOptions, formatDirectory, newDataId } from "./identity-format.ts";
import { Journal } from "./journal/journal.ts";
import { DiskBench, dyingDisk } from "./journal/testing/disk-bench.ts";
import type { JournalName, ReplicaStorage } from "./storage/replica-storage.ts";

const cluster = "00112233445566778899aabbccddeeff";

type Result = [PortError | null, Identity | null];

function options(bench: DiskBench, disk: Disk, more: Partial<FormatOptions> = {}): FormatOptions {
  let drawn = 0;
  const random = {
    next: () => {
      drawn += 1;
      return (drawn * 0x9e3779b9) >>> 0;
    },
  };
  return { disk, checksum: bench.checksum, random, cluster, node: 1, ...more };
}

function format(bench: DiskBench, more: Partial<FormatOptions> = {}): Result {
  return bench.settle<Result>((done) =>
    formatDirectory(options(bench, bench.disk.attach(), more), done),
  );
}

function read(bench: DiskBench): FoundIdentity {
  const disk = bench.disk.attach();
  return bench.settle<[PortError | null, FoundIdentity]>((done) =>
    readIdentity(disk, bench.checksum, done),
  )[1];
}

/** What the journal of that identity says is missing. */
function journalMissing(bench: DiskBench, identity: string): readonly About[] | "unnamed" {
  const { checksum, defer } = bench;
  const settings = { identity, checksum, defer, segmentBytes: 4096, preallocate: true };
  const journal = new Journal({ disk: bench.disk.attach(), ...settings });
  return bench.settle<[PortError | null, { readonly missing: readonly About[] | "unnamed" }]>(
    (done) => journal.recover(() => expect.unreachable("records in a new journal"), done),
  )[1].missing;
}

test("a formatted directory has an identity and an empty journal, durably", () => {
  const bench = new DiskBench();
  const [error, identity] = format(bench);
  expect(error).toBe(null);
  expect(identity).toMatchObject({
    cluster,
    node: 1,
    formatted: true,
    registered: false,
    peers: [],
    protocol: "",
  });
  expect(identity?.dataId).toMatch(/^[0-9a-f]{32}$/);
  bench.disk.crash(LOSE_UNSYNCED);
  expect(read(bench)).toEqual({ kind: "found", journals: [1], identity });
  expect(journalMissing(bench, identity?.dataId as string)).toEqual([]);
  expect(bench.disk.image.names()).toEqual(["identity-a", "identity-b", "journal-000000000001"]);
});

test("data id, peers and the lack of an operator are taken as given", () => {
  const bench = new DiskBench();
  const dataId = "abcdefabcdefabcdefabcdefabcdefab";
  const remembered = [2, 0].map((node) => ({ node, dataId, incarnation: 0, boot: 0 }));
  const [, identity] = format(bench, { dataId, registeredPeers: remembered, formatted: false });
  expect(identity).toMatchObject({ dataId, registered: true, formatted: false });
  expect(identity?.peers.map((peer) => peer.node)).toEqual([0, 2]);
});

test("incarnations begin anywhere, unless all data ids are told beforehand: then at 0", () => {
  const begin = (more: Partial<FormatOptions>): number =>
    format(new DiskBench(), more)[1]?.incarnation as number;
  const random = (word: number): Partial<FormatOptions> => ({ random: { next: () => word } });
  expect(begin(random(0x1234))).toBe(0x1234);
  expect(begin(random(0xffff_ffff))).toBe(0x3fff_ffff);
  expect(begin({ ...random(0x1234), registeredPeers: [] })).toBe(0);
});

test("a directory with data is not formatted again, and not touched", () => {
  const bench = new DiskBench();
  format(bench);
  const image = bench.disk.copy();
  const [error, identity] = format(bench, { node: 2 });
  expect(identity).toBe(null);
  expect(error?.code).toBe("exists");
  expect(error?.message).toContain(`node 1 of cluster ${cluster}`);
  for (const name of bench.disk.image.names())
    expect(bench.disk.image.file(name)?.read(0, 9999)).toEqual(image.file(name)?.read(0, 9999));
});

test("a directory whose identity is lost is not formatted either", () => {
  const bench = new DiskBench();
  format(bench);
  bench.disk.kill();
  for (const name of ["identity-a", "identity-b"]) bench.disk.image.removeAtRest(name);
  const [error] = format(bench);
  expect(error?.code).toBe("exists");
  expect(bench.disk.image.names()).toEqual(["journal-000000000001"]);
});

test("files that are none of ours do not matter and stay", () => {
  const bench = new DiskBench();
  bench.disk.image.putAtRest("lost-and-found", Uint8Array.of(1));
  expect(format(bench)[0]).toBe(null);
  expect(bench.disk.image.names()).toContain("lost-and-found");
});

test("data ids differ, and use all of the random port's bits", () => {
  const words = [0, 0xffffffff, 1, 0x80000000];
  let at = 0;
  const random = { next: () => words[at++ % 4] as number };
  expect(newDataId(random)).toBe("00000000ffffffff0000000180000000");
});

for (const formatted of [true, false])
  test(`format ${formatted ? "" : "by a start "}cut short anywhere is whole or done again`, () => {
    const fates = [
      LOSE_UNSYNCED,
      KEEP_UNSYNCED,
      ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => seededFate(n)),
    ];
    const outcomes = new Set<string>();
    for (let calls = 0; ; calls += 1) {
      const bench = new DiskBench(calls + 1);
      const dying = dyingDisk(bench.disk.attach(), calls);
      let formattedAs: Identity | null = null;
      formatDirectory(options(bench, dying.disk, { formatted }), (error, identity) => {
        expect(error).toBe(null);
        formattedAs = identity;
      });
      bench.run();
      bench.disk.kill();
      const image = bench.disk.copy();
      for (const [way, fate] of fates.entries()) {
        const where = `call ${calls}, fate ${way}`;
        bench.disk.restore(image);
        bench.disk.crash(fate);
        const found = read(bench);
        outcomes.add(found.kind);
        expect(["none", "unfinished", "found"], where).toContain(found.kind);
        if (formattedAs !== null)
          expect(found, where).toEqual({ kind: "found", journals: [1], identity: formattedAs });
        if (found.kind === "unfinished") expect(found.blank, where).toBe(!formatted);
        if (found.kind !== "found") expect(format(bench, { formatted })[0], where).toBe(null);
        bench.disk.crash(LOSE_UNSYNCED);
        const after = read(bench);
        if (after.kind !== "found") throw new Error(`no identity at ${where}`);
        expect(after.identity, where).toMatchObject({ formatted, node: 1 });
        expect(journalMissing(bench, after.identity.dataId), where).toEqual([]);
        bench.disk.crash(LOSE_UNSYNCED);
        expect(bench.disk.image.names(), where).toEqual([
          "identity-a",
          "identity-b",
          "journal-000000000001",
        ]);
      }
      if (!dying.dead()) break;
    }
    expect([...outcomes].sort()).toEqual(["found", "none", "unfinished"]);
  });

describe("with a storage of one's own", () => {
  /** Keeps no more than the names of its journals. */
  function storage(
    journals: readonly number[],
  ): ReplicaStorage & { readonly begun: JournalName[] } {
    const begun: JournalName[] = [];
    const beginJournal = (name: JournalName, done: Done): void => {
      begun.push(name);
      done(null);
    };
    return { journals, begun, beginJournal } as unknown as ReturnType<typeof storage>;
  }

  test("the journal begins there, and the disk holds the identity alone", () => {
    const bench = new DiskBench();
    const own = storage([]);
    const [, identity] = format(bench, { storage: own });
    expect(own.begun).toEqual([{ dataId: identity?.dataId, configuration: 1 }]);
    expect(bench.disk.image.names()).toEqual(["identity-a", "identity-b"]);
  });

  test("journals without an identity are not written over, unless a format left them", () => {
    const own = storage([1]);
    expect(format(new DiskBench(), { storage: own })[0]?.code).toBe("exists");
    expect(own.begun).toEqual([]);
    const bench = new DiskBench();
    const disk = bench.disk.attach();
    bench.settle<[PortError | null]>((done) => disk.create(FORMATTING_NAME, done));
    expect(format(bench, { storage: own })[0]).toBe(null);
    expect(own.begun).toHaveLength(1);
  });
});

for (const code of ["io", "no-space"] as const)
  test(`whatever fails for ${code} while formatting is told, and done again it is whole`, () => {
    const call = ["list", "create", "read", "write", "sync", "remove", "syncDirectory"] as const;
    const error = { code, message: "the disk fails" };
    let struck = 0;
    for (let after = 0; ; after += 1) {
      const bench = new DiskBench(after + 1);
      bench.disk.faults.arm({ call, prefix: "", after, times: 1, error });
      const [problem, formattedAs] = format(bench);
      if (bench.disk.faults.strikes === 0) break;
      struck += 1;
      expect(problem?.code, `call ${after}`).toBe(code);
      expect(formattedAs, `call ${after}`).toBe(null);
      bench.disk.crash(after % 2 === 0 ? LOSE_UNSYNCED : KEEP_UNSYNCED);
      const found = read(bench);
      if (found.kind !== "found") expect(format(bench)[0], `call ${after}`).toBe(null);
      const whole = read(bench);
      if (whole.kind !== "found") throw new Error(`no identity after call ${after}`);
      expect(journalMissing(bench, whole.identity.dataId), `call ${after}`).toEqual([]);
    }
    expect(struck).toBeGreaterThan(15);
  });
