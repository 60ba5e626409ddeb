import type { NodeId } from "@synod/core";
import type { DiskCall } from "./disk-faults.ts";
import type { Target } from "./fault-network.ts";

/**
 * What goes wrong with disks. Those that take away what was durable name their node: the fault
 * atlas has counted it. Times are virtual ms.
 */
export type DiskTrouble =
  | Wipe
  | Stale
  | Rot
  | Misdirect
  | LostFile
  | Lie
  | SlowDisk
  | FullDisk
  | IoError;

/** The node dies and comes back with an empty disk. */
export interface Wipe {
  readonly kind: "wipe";
  readonly atMs: number;
  readonly target: NodeId;
  readonly downMs: number;
}

/**
 * The node dies and comes back with its disk as it was `ageMs` before (a backup put back). Only if
 * it was started again since, and all others have met that later start: nothing else can tell a
 * copy from the disk itself.
 */
export interface Stale {
  readonly kind: "stale";
  /** When the copy is made. */
  readonly atMs: number;
  readonly target: NodeId;
  readonly ageMs: number;
  readonly downMs: number;
}

export type RotPlace = "head" | "middle" | "tail" | "identity" | "snapshot";

/** The node dies; before it comes back, bits of its disk have flipped. */
export interface Rot {
  readonly kind: "rot";
  readonly atMs: number;
  readonly target: NodeId;
  readonly place: RotPlace;
  readonly draw: number;
  readonly downMs: number;
}

/** The node dies; one sector of its journal lies where another one should be. */
export interface Misdirect {
  readonly kind: "misdirect";
  readonly atMs: number;
  readonly target: NodeId;
  readonly draw: number;
  readonly downMs: number;
}

/** What a file is for. */
export type FileUse = "journal" | "identity" | "snapshot";

/** The node dies; before it comes back, a file has gone, and its directory entry with it. */
export interface LostFile {
  readonly kind: "lost-file";
  readonly atMs: number;
  readonly target: NodeId;
  readonly use: FileUse;
  readonly draw: number;
  readonly downMs: number;
}

/**
 * `times` syncs of such files, after `after` honest ones, report success though nothing was saved;
 * some time later the power goes. Of the two copies of the identity only the first is lied about.
 * The disk keeps the last block of a journal that it lied about: that nothing is there where
 * something was promised can only be seen from what was saved behind it.
 */
export interface Lie {
  readonly kind: "lie";
  readonly atMs: number;
  readonly target: NodeId;
  readonly use: FileUse;
  readonly after: number;
  readonly times: number;
  readonly forMs: number;
  readonly downMs: number;
}

/** Writes and syncs take this much longer. */
export interface SlowDisk {
  readonly kind: "slow-disk";
  readonly atMs: number;
  readonly target: Target;
  readonly extraMs: number;
  readonly forMs: number;
}

/** Only `roomBytes` are left on the disk. */
export interface FullDisk {
  readonly kind: "full-disk";
  readonly atMs: number;
  readonly target: Target;
  readonly roomBytes: number;
  readonly forMs: number;
}

/**
 * A call of the disk fails once, `after` others of its kind. A failed sync has lost what it was to
 * save, though it stays readable until the machine goes down.
 */
export interface IoError {
  readonly kind: "io-error";
  readonly atMs: number;
  readonly target: Target;
  readonly call: Exclude<DiskCall, "lock" | "unlock">;
  readonly after: number;
}

export function describeDiskTrouble(fault: DiskTrouble): string {
  switch (fault.kind) {
    case "wipe":
      return `wipe ${fault.target}, down ${fault.downMs} ms`;
    case "stale":
      return `copy the disk of ${fault.target}, put it back ${fault.ageMs} ms later`;
    case "rot":
      return `rot on ${fault.target} (${fault.place}), down ${fault.downMs} ms`;
    case "misdirect":
      return `misdirected write on ${fault.target}, down ${fault.downMs} ms`;
    case "lost-file":
      return `a file is lost on ${fault.target} (${fault.use}), down ${fault.downMs} ms`;
    case "lie":
      return (
        `${fault.times} syncs lie on ${fault.target} (${fault.use}) after ${fault.after} more, ` +
        `power loss ${fault.forMs} ms later`
      );
    case "slow-disk":
      return `disk of ${fault.target} slower by ${fault.extraMs} ms for ${fault.forMs} ms`;
    case "full-disk":
      return `disk of ${fault.target} full but for ${fault.roomBytes} bytes, ${fault.forMs} ms`;
    case "io-error":
      return `${fault.call} fails on ${fault.target} after ${fault.after} more`;
  }
}
