import type { Disk, PortError } from "@synod/core";
import { SECTOR_BYTES } from "./layout.ts";

type Done = (error: PortError | null, bytes: Uint8Array) => void;

/**
 * Fills sectors that the disk will not give: not zero, so that nobody takes them for never written.
 */
const UNREADABLE = 0xe1;

/**
 * Reads `count` sectors of a file from the `first`; what lies behind its end is zero. A stretch
 * that the disk fails to read is tried again in halves, down to the sector, so that one unreadable
 * sector costs what it holds and no more.
 */
export function readSectors(
  disk: Disk,
  name: string,
  first: number,
  count: number,
  done: Done,
): void {
  const length = count * SECTOR_BYTES;
  disk.read(name, first * SECTOR_BYTES, length, (error, bytes) => {
    if (error === null) return done(null, bytes.length === length ? bytes : padded(bytes, length));
    if (error.code !== "io") return done(error, bytes);
    if (count === 1) return done(null, new Uint8Array(SECTOR_BYTES).fill(UNREADABLE));
    readHalves(disk, name, first, count, done);
  });
}

function readHalves(disk: Disk, name: string, first: number, count: number, done: Done): void {
  const half = Math.floor(count / 2);
  readSectors(disk, name, first, half, (error, left) => {
    if (error !== null) return done(error, left);
    readSectors(disk, name, first + half, count - half, (failed, right) => {
      if (failed !== null) return done(failed, right);
      const both = new Uint8Array(left.length + right.length);
      both.set(left);
      both.set(right, left.length);
      done(null, both);
    });
  });
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}
