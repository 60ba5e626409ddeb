import type { Disk } from "@synod/core";
import { describe, it } from "vitest";
import { createDisk, type FlushMode } from "../disk.ts";
import { temporaryDirectory } from "../testing/temporary-directory.ts";
import { ok } from "./case.ts";
import { DISK_COMPLIANCE } from "./disk-cases.ts";
import { altered, type Breakages, describeCompliance } from "./testing/breakages.ts";
import { CrashingDisk } from "./testing/crashing-disk.ts";

async function directory(flush: FlushMode): Promise<Disk> {
  const disk = createDisk({ directory: temporaryDirectory(), flush });
  await ok((done) => disk.lock(done));
  return disk;
}

const BREAKAGES: Breakages<Disk> = {
  "creates, measures, writes, reads and lists files": (disk) =>
    altered(disk, { list: (done) => void setImmediate(done, null, []) }),
  "reads what is there and no more": (disk) =>
    altered(disk, {
      read: (name, from, length, done) =>
        disk.read(name, from, length, (error, bytes) => {
          const padded = new Uint8Array(length);
          padded.set(bytes);
          done(error, padded);
        }),
    }),
  "gives plain byte arrays, whose slices are copies": (disk) =>
    altered(disk, {
      read: (name, from, length, done) =>
        disk.read(name, from, length, (error, bytes) => done(error, Buffer.from(bytes))),
    }),
  "has its own copy of what was written when it calls back, and lends no copy of its own": (disk) =>
    altered(disk, {
      write: (name, from, bytes, done) => {
        setImmediate(done, null);
        setTimeout(() => disk.write(name, from, bytes, () => {}), 200);
      },
      read: (name, from, length, done) =>
        void setTimeout(() => disk.read(name, from, length, done), 400),
    }),
  "fills the gap with zeros when it writes beyond the end": (disk) =>
    altered(disk, {
      write: (name, from, bytes, done) => {
        const spaces = new Uint8Array(from + bytes.length).fill(32);
        spaces.set(bytes, from);
        disk.write(name, 0, spaces, done);
      },
    }),
  "writes large blocks whole, and nothing for an empty one": (disk) =>
    altered(disk, {
      write: (name, from, bytes, done) =>
        disk.write(name, from, bytes.subarray(0, 1_048_576), done),
    }),
  "completes operations on one file in the order of the calls": (disk) =>
    altered(disk, {
      sync: (name, done) => void setTimeout(() => disk.sync(name, () => done(null)), 100),
    }),
  "measures and reads a file as the writes before have left it, and tells so after them": (disk) =>
    altered(disk, {
      write: (name, from, bytes, done) =>
        disk.write(name, from, bytes, (error) => void setTimeout(done, 50, error)),
    }),
  "syncs files and the directory": (disk) =>
    altered(disk, {
      syncDirectory: (done) => void setImmediate(done, { code: "io", message: "EINVAL" }),
    }),
  "renames over another file, and goes on under the new name": (disk) =>
    altered(disk, {
      rename: (_from, to, done) => disk.create(to, done),
    }),
  "removes, and a new file of that name is empty": (disk) =>
    altered(disk, {
      remove: (_name, done) => void setImmediate(done, null),
      create: (name, done) => disk.create(name, () => done(null)),
    }),
  "names what is wrong": (disk) =>
    altered(disk, { create: (name, done) => disk.create(name, () => done(null)) }),
};

describe("a directory as a disk", () => {
  describeCompliance(DISK_COMPLIANCE, () => directory("pool"), BREAKAGES);
});

describe("a directory with syncs in the event loop as a disk", () => {
  it.each(DISK_COMPLIANCE)("$name", async ({ run }) => run(await directory("inline")));
});

describe("the simulator's disk", () => {
  it.each(DISK_COMPLIANCE)("$name", ({ run }) => run(new CrashingDisk().open()));
});
