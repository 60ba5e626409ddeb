import type { MachineImage, MachineRestore, PortError, Position } from "@synod/core";
import type { Tenure } from "../configuration.ts";
import type { SnapshotProblem } from "./files.ts";
import type { Manifest } from "./manifest.ts";

/** What a start finds. `damaged` names the indexes of snapshots that could not be used. */
export type LoadOutcome =
  /** The state is that of `manifest`. */
  | { readonly kind: "loaded"; readonly manifest: Manifest; readonly damaged: readonly number[] }
  /** There never was a snapshot here. */
  | { readonly kind: "none" }
  /** There was one, and nothing of it can be used: the state has to come from other members. */
  | { readonly kind: "lost"; readonly damaged: readonly number[] }
  | { readonly kind: "failed"; readonly error: PortError };

/** What a snapshot is of. */
export interface SnapshotTaken {
  readonly position: Position;
  /** The protocol's own. */
  readonly protocolImage: Uint8Array;
  /** The configuration that goes on from there; null: the first one. */
  readonly tenure: Tenure | null;
}

/** A snapshot on its way in: chunks in any order, from anywhere, held against the manifest. */
export interface SnapshotIntake {
  readonly manifest: Manifest;
  readonly isComplete: boolean;
  /** Written, or being written. */
  has(index: number): boolean;
  /**
   * `damaged` when these are not the bytes of that chunk. They belong to the store from here on.
   */
  put(index: number, bytes: Uint8Array, done: (problem: SnapshotProblem | null) => void): void;
}

/**
 * The snapshots of one replica, as the host uses them: at most the newest whole one, those that
 * somebody still reads, and one that is being written or fetched. A new one exists all at once and
 * durably or not at all, and only then are older ones removed. {@link SnapshotStore} keeps them in
 * files; what else may stand in its place is told by the cases of `@synod/node/compliance`.
 */
export interface SnapshotStorage {
  /** The newest whole snapshot; null when there is none. */
  readonly newest: Manifest | null;
  /** Bytes of finished snapshots. */
  readonly bytes: number;
  /** The whole snapshot with this digest; null when it is not here, or not any more. */
  find(digest: string): Manifest | null;
  /** Once, at the start: finds what is here, and loads the newest that is whole. */
  open(restore: () => MachineRestore, done: (outcome: LoadOutcome) => void): void;
  /** Loads this snapshot; `damaged` when it turns out not to be whole. */
  load(
    manifest: Manifest,
    restore: MachineRestore,
    done: (problem: SnapshotProblem | null) => void,
  ): void;
  /**
   * Writes the state as of a position, and calls back when it is durable and in force, or with the
   * newest one when that is as new. The image is released. After `no-space` the older one stays.
   */
  write(
    taken: SnapshotTaken,
    image: MachineImage,
    done: (error: PortError | null, manifest: Manifest | null) => void,
  ): void;
  /** One chunk, held against the manifest; `damaged` when it is not whole. */
  readChunk(
    manifest: Manifest,
    index: number,
    done: (problem: SnapshotProblem | null, bytes: Uint8Array) => void,
  ): void;
  /** Keeps a snapshot until as many {@link unpin}; false when it is not here any more. */
  pin(digest: string): boolean;
  unpin(digest: string): void;
  /**
   * Begins to take in a snapshot from elsewhere, or goes on with the same one; another that was
   * under way is given up. Null when what is here is as new.
   */
  beginInstall(
    manifest: Manifest,
    done: (error: PortError | null, intake: SnapshotIntake | null) => void,
  ): void;
  /** Gives up an intake, and its place. */
  abandon(intake: SnapshotIntake): void;
  /**
   * Puts a complete intake in force, durably; null when it was given up, or one as new has come in
   * the meantime.
   */
  commit(
    intake: SnapshotIntake,
    done: (error: PortError | null, manifest: Manifest | null) => void,
  ): void;
}
