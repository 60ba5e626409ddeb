import type { Clock, Disk, Done, PortError } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { inOrder } from "../journal/in-order.ts";
import type { SpareTime } from "../spare-time.ts";
import { snapshotName, unfinishedManifestName } from "./names.ts";

/** What everything about snapshots stands on. */
export interface SnapshotPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly checksum: Checksum;
  readonly spare: SpareTime;
}

/** An error of the disk, or bytes that are not what they should be. */
export interface SnapshotProblem {
  readonly code: PortError["code"] | "damaged";
  readonly message: string;
}

export function damaged(message: string): SnapshotProblem {
  return { code: "damaged", message };
}

/** Creates an empty file in place of whatever an earlier attempt left. */
export function createAnew(disk: Disk, name: string, done: Done): void {
  disk.create(name, (error) => {
    if (error?.code !== "exists") return done(error);
    disk.remove(name, (failed) => (failed === null ? disk.create(name, done) : done(failed)));
  });
}

/** Removes what is there of these files; that some are not is fine. */
export function removeAll(disk: Disk, names: readonly string[], done: Done): void {
  inOrder(
    names.map((name) => (next: Done) => {
      disk.remove(name, (error) => next(error?.code === "not-found" ? null : error));
    }),
    done,
  );
}

/**
 * Makes a snapshot whose data is in the file `data` exist, once and for all. Its manifest gets its
 * name last, when the data's bytes and name are durable: a crash in between leaves no snapshot, and
 * whatever was there before is as it was.
 */
export function publish(
  disk: Disk,
  snapshot: { readonly index: number; readonly data: string; readonly manifest: Uint8Array },
  done: Done,
): void {
  const { index, data, manifest } = snapshot;
  const unfinished = unfinishedManifestName(index);
  inOrder(
    [
      (next) => disk.sync(data, next),
      (next) => createAnew(disk, unfinished, next),
      (next) => disk.write(unfinished, 0, manifest, next),
      (next) => disk.sync(unfinished, next),
      (next) => disk.rename(data, snapshotName(index, "data"), next),
      (next) => disk.syncDirectory(next),
      (next) => disk.rename(unfinished, snapshotName(index, "manifest"), next),
      (next) => disk.syncDirectory(next),
    ],
    done,
  );
}
