/**
 * A snapshot is two files named by the index of its position; it exists when its manifest does.
 * Under other endings they are being written, and removed at the next start, or being fetched.
 */
export type SnapshotPart = "data" | "manifest";

export function snapshotName(index: number, part: SnapshotPart): string {
  return `snapshot-${index}.${part}`;
}

/** One that this replica makes from its own state. */
export function writingName(index: number): string {
  return `snapshot-${index}.data.writing`;
}

/**
 * One that comes from other members. Its content is part of the name: late writes of a fetch that
 * was given up can then do no harm to another one at the same position.
 */
export function fetchingName(index: number, digest: string): string {
  return `snapshot-${index}.data.${digest}`;
}

/** A manifest that has yet to get its name. */
export function unfinishedManifestName(index: number): string {
  return `snapshot-${index}.manifest.writing`;
}

export interface SnapshotFile {
  readonly index: number;
  readonly part: SnapshotPart;
  /** `fetching`: what there is of it can be held against its manifest, and gone on with. */
  readonly stage: "finished" | "writing" | "fetching";
}

/** Null when the name is not one of these. */
export function parseSnapshotName(name: string): SnapshotFile | null {
  const match = /^snapshot-([1-9]\d{0,15})\.(data|manifest)(\.writing|\.[0-9a-f]{16})?$/.exec(name);
  if (match === null) return null;
  const index = Number(match[1]);
  if (!Number.isSafeInteger(index)) return null;
  const part = match[2] === "data" ? "data" : "manifest";
  if (match[3] === undefined) return { index, part, stage: "finished" };
  return { index, part, stage: match[3] === ".writing" ? "writing" : "fetching" };
}
