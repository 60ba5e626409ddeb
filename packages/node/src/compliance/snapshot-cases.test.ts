import { crc32 } from "node:zlib";
import {
  createGuard,
  type Manifest,
  type SnapshotIntake,
  type SnapshotStorage,
  SnapshotStore,
} from "@synod/runtime";
import { describe } from "vitest";
import { SNAPSHOT_COMPLIANCE, type SnapshotSubject } from "./snapshot-cases.ts";
import { altered, type Breakages, describeCompliance } from "./testing/breakages.ts";
import { CLOCK, CrashingDisk } from "./testing/crashing-disk.ts";

function rethrow(reason: string): never {
  throw new Error(reason);
}

async function ours(): Promise<SnapshotSubject> {
  const disks = [new CrashingDisk(), new CrashingDisk()] as const;
  const open = (disk: CrashingDisk): SnapshotStorage =>
    new SnapshotStore({
      disk: disk.open(),
      clock: CLOCK,
      checksum: crc32,
      guard: createGuard(() => false, rethrow),
      chunkBytes: 1_024,
    });
  return { open: () => open(disks[0]), openOther: () => open(disks[1]) };
}

type Change = (storage: SnapshotStorage) => Partial<SnapshotStorage>;

/** Every storage that is opened has the fault. */
function broken(change: Change): (subject: SnapshotSubject) => SnapshotSubject {
  const withFault = (storage: SnapshotStorage) => altered(storage, change(storage));
  return (subject) => ({
    open: () => withFault(subject.open()),
    openOther: () => withFault(subject.openOther()),
  });
}

/** Takes anything for a chunk. */
function credulous(manifest: Manifest): SnapshotIntake {
  const put: SnapshotIntake["put"] = (_index, _bytes, done) => void setImmediate(done, null);
  return { manifest, isComplete: false, has: () => false, put };
}

const BREAKAGES: Breakages<SnapshotSubject> = {
  "holds none at first": broken((storage) => ({
    open: (restore, done) =>
      storage.open(restore, (outcome) =>
        done(outcome.kind === "none" ? { kind: "lost", damaged: [1] } : outcome),
      ),
  })),
  "loads after a restart what was written, with the image of the protocol": broken((storage) => ({
    write: (taken, image, done) =>
      storage.write({ ...taken, protocolImage: new Uint8Array(0) }, image, done),
  })),
  "makes the very manifest that every other member makes of the same state": broken((storage) => ({
    write: (taken, image, done) =>
      storage.write({ ...taken, position: { ...taken.position, log: 1 } }, image, done),
  })),
  "releases the image that it has written, once, and one that it does not need": broken(
    (storage) => ({
      write: (taken, image, done) => storage.write(taken, { ...image, release() {} }, done),
    }),
  ),
  "puts a newer one in the place of an older one, and never the other way round": broken(
    (storage) => {
      const all = new Map<string, Manifest>();
      return {
        write: (taken, image, done) =>
          storage.write(taken, image, (error, manifest) => {
            if (manifest !== null) all.set(manifest.digest, manifest);
            done(error, manifest);
          }),
        find: (digest) => all.get(digest) ?? null,
      };
    },
  ),
  "keeps an older one for as long as somebody reads it": broken((storage) => ({
    pin: (digest) => storage.find(digest) !== null,
    unpin() {},
  })),
  "takes in a snapshot of another member, in whatever order the chunks come": broken(() => ({
    commit: ({ manifest }, done) => void setImmediate(done, null, manifest),
  })),
  "refuses a chunk that is not the manifest's": broken(() => ({
    beginInstall: (manifest, done) => void setImmediate(done, null, credulous(manifest)),
  })),
  "holds on to what it has until an install is committed": broken((storage) => {
    let next: Manifest | null = null;
    return {
      beginInstall(manifest, done) {
        next = manifest;
        storage.beginInstall(manifest, done);
      },
      get newest() {
        return next ?? storage.newest;
      },
    };
  }),
  "goes on with an intake that is begun again, and gives it up for another": broken((storage) => ({
    beginInstall(manifest, done) {
      storage.beginInstall(manifest, (error, intake) => {
        if (intake === null) return done(error, intake);
        storage.abandon(intake);
        storage.beginInstall(manifest, done);
      });
    },
  })),
  "says after a restart in the middle of an intake which chunks it really has": broken(
    (storage) => ({
      beginInstall: (manifest, done) =>
        storage.beginInstall(manifest, (error, intake) =>
          done(error, intake && altered(intake, { has: () => true })),
        ),
    }),
  ),
  "takes in nothing that is no newer than what it has": broken(() => ({
    beginInstall: (manifest, done) => void setImmediate(done, null, credulous(manifest)),
  })),
};

describe("snapshots in files", () => {
  describeCompliance(SNAPSHOT_COMPLIANCE, ours, BREAKAGES);
});
