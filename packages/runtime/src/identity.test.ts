import type { Disk, PortError, Remembered } from "@synod/core";
import { KEEP_UNSYNCED, LOSE_UNSYNCED, seededFate } from "@synod/simulator";
import { expect, test } from "vitest";
import { type FoundIdentity, IDENTITY_NAMES, readIdentity, writeIdentity } from "./identity.ts";
import {
  decodeIdentity,
  encodeIdentity,
  IDENTITY_BYTES,
  IDENTITY_BYTES_LATER,
  IDENTITY_PEERS_MAX,
  IDENTITY_STARTS_MAX,
  type Identity,
} from "./identity-codec.ts";
import { DiskBench, dyingDisk } from "./journal/testing/disk-bench.ts";

const peer = (node: number): Remembered => ({
  node,
  dataId: String(node).padStart(32, "a"),
  incarnation: node + 1,
  boot: 2 ** 32 - 1 - node,
});

const identity: Identity = {
  cluster: "00112233445566778899aabbccddeeff",
  node: 65_535,
  dataId: "ffeeddccbbaa99887766554433221100",
  formatted: true,
  incarnation: 3,
  boot: 4_000_000_000,
  starts: [{ incarnation: 2 ** 40, boot: 2 ** 32 - 1 }],
  met: 2,
  registered: false,
  peers: [peer(0), peer(1)],
  protocol: "omnipaxos",
  tenure: null,
};

/** As much as fits of everything. */
const largest: Identity = {
  ...identity,
  starts: Array.from({ length: IDENTITY_STARTS_MAX }, (_, at) => ({ incarnation: at, boot: at })),
  peers: Array.from({ length: IDENTITY_PEERS_MAX }, (_, node) => peer(node)),
  protocol: "p".repeat(20),
};

const next = (incarnation: number): Identity => ({ ...identity, incarnation });

function read(bench: DiskBench, disk: Disk = bench.disk.attach()): FoundIdentity {
  const [error, found] = bench.settle<[PortError | null, FoundIdentity]>((done) =>
    readIdentity(disk, bench.checksum, done),
  );
  expect(error).toBe(null);
  return found;
}

function write(bench: DiskBench, value: Identity): PortError | null {
  const disk = bench.disk.attach();
  return bench.settle<[PortError | null]>((done) =>
    writeIdentity(disk, bench.checksum, value, done),
  )[0];
}

function written(...values: readonly Identity[]): DiskBench {
  const bench = new DiskBench();
  for (const value of values) expect(write(bench, value)).toBe(null);
  bench.disk.crash(LOSE_UNSYNCED);
  return bench;
}

test("an identity survives encoding, with every field", () => {
  const bench = new DiskBench();
  for (const value of [
    identity,
    { ...identity, formatted: false, registered: true, peers: [] },
    { ...identity, protocol: "" },
    largest,
  ]) {
    const copy = { generation: 2 ** 40, identity: value };
    const bytes = encodeIdentity(copy, bench.checksum);
    expect(bytes.length).toBe(IDENTITY_BYTES);
    expect(decodeIdentity(bytes, bench.checksum)).toEqual(copy);
  }
});

test("an identity names a later configuration in a larger copy, and so does its other one", () => {
  const bench = new DiskBench();
  const members = [3, 4].map((id) => {
    return { id, address: `node-${id}`, zone: "", roles: [], dataId: `${id}`.repeat(32) };
  });
  const configuration = { number: 2, cluster: identity.cluster, members, quorums: null };
  const later = { ...largest, tenure: { configuration, began: { log: 0, index: 2 ** 40 } } };
  const bytes = encodeIdentity({ generation: 1, identity: later }, bench.checksum);
  expect(bytes.length).toBe(IDENTITY_BYTES_LATER);
  expect(decodeIdentity(bytes, bench.checksum)).toEqual({ generation: 1, identity: later });
  expect(decodeIdentity(bytes.subarray(0, IDENTITY_BYTES), bench.checksum)).toBe("bad");
  expect(write(bench, identity)).toBe(null);
  expect(write(bench, later)).toBe(null);
  expect(read(bench)).toEqual({ kind: "found", journals: [], identity: later });
});

test("any flipped bit and any other length is found", () => {
  const bench = new DiskBench();
  const bytes = encodeIdentity({ generation: 1, identity }, bench.checksum);
  for (let at = 0; at < bytes.length; at += 1) {
    const damaged = bytes.slice();
    damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
    expect(decodeIdentity(damaged, bench.checksum)).toBe("bad");
  }
  expect(decodeIdentity(bytes.subarray(1), bench.checksum)).toBe("bad");
  expect(decodeIdentity(new Uint8Array(IDENTITY_BYTES), bench.checksum)).toBe("bad");
});

test("a blank directory has no identity", () => {
  expect(read(new DiskBench())).toEqual({ kind: "none" });
});

test("what was written is durable and read back, the newest one", () => {
  const bench = written(next(1), next(2), next(3));
  expect(read(bench)).toEqual({ kind: "found", journals: [], identity: next(3) });
});

test("one bad, lost or unreadable copy is made good from the other", () => {
  for (const name of IDENTITY_NAMES) {
    for (const spoil of [
      (bench: DiskBench) => bench.disk.flipBit(name, 77, 3),
      (bench: DiskBench) => bench.disk.image.removeAtRest(name),
      (bench: DiskBench) => bench.disk.image.putAtRest(name, new Uint8Array(0)),
    ]) {
      const bench = written(next(1), next(2));
      spoil(bench);
      expect(read(bench)).toEqual({ kind: "found", journals: [], identity: next(2) });
      bench.disk.crash(LOSE_UNSYNCED);
      const other = IDENTITY_NAMES.find((one) => one !== name) as string;
      bench.disk.image.removeAtRest(other);
      expect(read(bench)).toEqual({ kind: "found", journals: [], identity: next(2) });
    }
  }
});

test("an older copy is brought up to date, so that a torn write never falls back two steps", () => {
  const bench = written(next(1));
  const old = bench.disk.image.file("identity-b")?.read(0, IDENTITY_BYTES) as Uint8Array;
  expect(write(bench, next(2))).toBe(null);
  bench.disk.kill();
  bench.disk.image.putAtRest("identity-b", old);
  expect(read(bench)).toEqual({ kind: "found", journals: [], identity: next(2) });
  bench.disk.crash(LOSE_UNSYNCED);
  bench.disk.flipBit("identity-a", 9, 1);
  expect(read(bench)).toEqual({ kind: "found", journals: [], identity: next(2) });
});

test("both copies bad: damaged, and nothing is written over them", () => {
  const bench = written(next(1));
  for (const name of IDENTITY_NAMES) bench.disk.flipBit(name, 50, 0);
  expect(read(bench)).toEqual({ kind: "damaged" });
  expect(write(bench, next(2))?.code).toBe("io");
  expect(read(bench)).toEqual({ kind: "damaged" });
});

test("a directory with a journal and no identity is damaged, not blank", () => {
  const bench = new DiskBench();
  bench.disk.image.putAtRest("journal-000000000001", new Uint8Array(512));
  expect(read(bench)).toEqual({ kind: "damaged" });
});

test("two copies of one generation that differ contradict each other", () => {
  const bench = written(next(1));
  const bytes = encodeIdentity({ generation: 1, identity: next(9) }, bench.checksum);
  bench.disk.image.putAtRest("identity-b", bytes);
  expect(read(bench)).toEqual({ kind: "damaged" });
});

test("an identity of a newer version is refused and left alone", () => {
  const bench = written(next(1));
  const bytes = encodeIdentity({ generation: 5, identity }, bench.checksum);
  bytes[4] = 3;
  const sum = bench.checksum(bytes.subarray(0, IDENTITY_BYTES - 4));
  new DataView(bytes.buffer).setUint32(IDENTITY_BYTES - 4, sum, true);
  bench.disk.image.putAtRest("identity-a", bytes);
  const disk = bench.disk.attach();
  const [error] = bench.settle<[PortError | null, FoundIdentity]>((done) =>
    readIdentity(disk, bench.checksum, done),
  );
  expect(error?.code).toBe("denied");
  expect(bench.disk.image.file("identity-a")?.read(0, IDENTITY_BYTES)).toEqual(bytes);
});

test("a crash at every port call of a write leaves the old identity or the new one", () => {
  const fates = [
    LOSE_UNSYNCED,
    KEEP_UNSYNCED,
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => seededFate(n, 0.2)),
  ];
  for (let calls = 0; ; calls += 1) {
    const bench = written(next(1), next(2));
    const dying = dyingDisk(bench.disk.attach(), calls);
    let acknowledged = false;
    writeIdentity(dying.disk, bench.checksum, next(3), (error) => {
      expect(error).toBe(null);
      acknowledged = true;
    });
    bench.run();
    bench.disk.kill();
    const image = bench.disk.copy();
    for (const fate of fates) {
      bench.disk.restore(image);
      const seen = read(bench);
      bench.disk.crash(fate);
      const found = read(bench);
      expect(
        [next(2), next(3)].map((value) => ({ kind: "found", journals: [], identity: value })),
      ).toContainEqual(found);
      if (acknowledged) expect(found).toEqual({ kind: "found", journals: [], identity: next(3) });
      // Whoever has read it may have told others.
      expect(found).toEqual(seen);
    }
    if (!dying.dead()) break;
  }
});
