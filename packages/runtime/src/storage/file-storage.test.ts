import type { PortError } from "@synod/core";
import { expect, test } from "vitest";
import { DiskBench } from "../journal/testing/disk-bench.ts";
import { createFileStorage } from "./file-storage.ts";
import type { ReplicaStorage } from "./replica-storage.ts";

const dataId = "00112233445566778899aabbccddeeff";

function storageOn(bench: DiskBench, journals: readonly number[] = []): ReplicaStorage {
  const { checksum, defer } = bench;
  return createFileStorage({
    disk: bench.disk.attach(),
    clock: { now: () => 0, setTimer: () => 0, clearTimer: () => undefined, defer },
    checksum,
    guard: (callback) => callback,
    segmentBytes: 4_096,
    journals,
  });
}

test("knows the journals that were found, begun and removed, without looking", () => {
  const bench = new DiskBench();
  const storage = storageOn(bench, [3, 1]);
  expect(storage.journals).toEqual([1, 3]);
  const begun = bench.settle<[PortError | null]>((done) =>
    storage.beginJournal({ dataId, configuration: 2 }, done),
  );
  expect([begun[0], storage.journals]).toEqual([null, [1, 2, 3]]);
  expect(bench.disk.image.names()).toEqual(["c2-journal-000000000001"]);
  const gone = bench.settle<[PortError | null]>((done) => storage.removeJournals([2, 1], done));
  expect([gone[0], storage.journals, bench.disk.image.names()]).toEqual([null, [3], []]);
});
