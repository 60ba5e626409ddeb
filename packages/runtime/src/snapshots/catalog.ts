import type { Disk, Done, PortError } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { inOrder } from "../journal/in-order.ts";
import { removeAll } from "./files.ts";
import { decodeManifest, MANIFEST_BYTES_MAX, type Manifest } from "./manifest.ts";
import { parseSnapshotName, snapshotName } from "./names.ts";

/** What a directory holds by way of snapshots. */
export interface FoundSnapshots {
  /** Whole as far as the manifest and the size of the data tell, newest first. */
  readonly manifests: readonly Manifest[];
  /** Indexes of snapshots newer than all of those, whose manifest or data is damaged or gone. */
  readonly damaged: readonly number[];
  /** Names of what there is of newer ones that were being fetched. */
  readonly fetched: readonly string[];
}

const NOTHING: FoundSnapshots = Object.freeze({ manifests: [], damaged: [], fetched: [] });

/**
 * Looks through the directory, and removes what an interrupted write left and what a whole newer
 * snapshot has replaced, but for one: should a chunk of the newest turn out damaged, the
 * previous one is all there is. Damaged ones stay until a newer one is whole, so that a loss is
 * never forgotten.
 */
export function findSnapshots(
  disk: Disk,
  checksum: Checksum,
  done: (error: PortError | null, found: FoundSnapshots) => void,
): void {
  disk.list((error, names) => {
    if (error !== null) return done(error, NOTHING);
    const indexes = new Set<number>();
    const fetched: string[] = [];
    const leftovers: string[] = [];
    for (const name of names) {
      const file = parseSnapshotName(name);
      if (file === null) continue;
      const whole =
        file.part === "manifest" || names.includes(snapshotName(file.index, "manifest"));
      if (file.stage === "fetching") fetched.push(name);
      else if (file.stage === "writing" || !whole) leftovers.push(name);
      else indexes.add(file.index);
    }
    const newestFirst = [...indexes].sort((a, b) => b - a);
    readManifests(disk, checksum, newestFirst, (failed, read) => {
      if (failed !== null) return done(failed, NOTHING);
      const judged = judge(newestFirst, read);
      const newest = judged.manifests[0]?.position.index ?? 0;
      const found = { ...judged, fetched: fetched.filter((name) => indexOf(name) > newest) };
      const outrun = fetched.filter((name) => indexOf(name) <= newest);
      const gone = [...leftovers, ...outrun, ...replaced(newestFirst, found)];
      inOrder(
        [
          (next) => removeAll(disk, gone, next),
          // A killed process may have given a name that only the operating system's memory knows.
          (next) => disk.syncDirectory(next),
        ],
        (left) => done(left, found),
      );
    });
  });
}

/** Of the snapshot that a file is of. */
export function indexOf(name: string): number {
  return parseSnapshotName(name)?.index ?? 0;
}

function judge(
  newestFirst: readonly number[],
  read: ReadonlyMap<number, Manifest>,
): Omit<FoundSnapshots, "fetched"> {
  const manifests: Manifest[] = [];
  const damaged: number[] = [];
  for (const index of newestFirst) {
    const manifest = read.get(index);
    if (manifest !== undefined) manifests.push(manifest);
    else if (manifests.length === 0) damaged.push(index);
  }
  return { manifests: manifests.slice(0, 2), damaged };
}

function replaced(
  newestFirst: readonly number[],
  found: Omit<FoundSnapshots, "fetched">,
): string[] {
  const kept = new Set([
    ...found.damaged,
    ...found.manifests.map(({ position }) => position.index),
  ]);
  return newestFirst.filter((index) => !kept.has(index)).flatMap(filesOf);
}

/** The manifest first: without it there is no snapshot. */
export function filesOf(index: number): string[] {
  return [snapshotName(index, "manifest"), snapshotName(index, "data")];
}

function readManifests(
  disk: Disk,
  checksum: Checksum,
  indexes: readonly number[],
  done: (error: PortError | null, read: Map<number, Manifest>) => void,
): void {
  const read = new Map<number, Manifest>();
  const readOne = (index: number, next: Done): void =>
    readManifest(disk, checksum, index, (error, manifest) => {
      if (manifest !== null) read.set(index, manifest);
      next(error);
    });
  inOrder(
    indexes.map((index) => (next: Done) => readOne(index, next)),
    (error) => done(error, read),
  );
}

/** Null without an error: damaged, or its data is gone or of another size. */
function readManifest(
  disk: Disk,
  checksum: Checksum,
  index: number,
  done: (error: PortError | null, manifest: Manifest | null) => void,
): void {
  const name = snapshotName(index, "manifest");
  disk.read(name, 0, MANIFEST_BYTES_MAX + 1, (error, bytes) => {
    if (error !== null) return done(error, null);
    const manifest = decodeManifest(bytes, checksum);
    if (manifest === null || manifest.position.index !== index) return done(null, null);
    disk.size(snapshotName(index, "data"), (failed, size) => {
      if (failed?.code === "not-found") return done(null, null);
      done(failed, failed === null && size === manifest.totalBytes ? manifest : null);
    });
  });
}
