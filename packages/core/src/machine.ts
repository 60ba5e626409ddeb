import type { Footprint } from "./command.ts";
import type { Position } from "./ids.ts";

/**
 * A deterministic state machine: the same payloads in the same order give the same results, state
 * and snapshot bytes on every replica. No clock, no randomness, no exceptions: a payload that makes
 * no sense has a result that says so, the same everywhere.
 */
export interface Machine {
  /**
   * Executes one command. `payload` must not be kept: copy what stays. Returns the result's bytes.
   */
  apply(payload: Uint8Array, position: Position): Uint8Array;
  /** Answers a read without changing anything. */
  query(payload: Uint8Array): Uint8Array;
  /** What a payload touches; asked only for protocols that order by conflict. */
  footprint(payload: Uint8Array): Footprint;
  /**
   * The state as of now, readable in slices while `apply` goes on (copy on write). One image at a
   * time; the host releases it. The same state gives the same bytes on every replica.
   */
  freeze(): MachineImage;
  /** Begins to replace the whole state by that of an image; what was before is gone. */
  restore(): MachineRestore;
}

export interface MachineImage {
  /**
   * The next slice, about `bytesMax` bytes and never more work than that takes; null at the end.
   * Slices cut at the same places on every replica. The bytes are only lent, until the next call:
   * a buffer per slice of a large state is what makes the garbage collector pause.
   */
  next(bytesMax: number): Uint8Array | null;
  release(): void;
}

export interface MachineRestore {
  /** Slices in order, cut as `MachineImage.next` cut them. False: these bytes are no image. */
  add(slice: Uint8Array): boolean;
  /** False: the image is incomplete. On true the machine holds the state. */
  finish(): boolean;
}
