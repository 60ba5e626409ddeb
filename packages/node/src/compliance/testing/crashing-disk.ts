import type { Clock, Disk } from "@synod/core";
import { LOSE_UNSYNCED, VirtualDisk } from "@synod/simulator";

/** A disk that loses whatever was not synced each time it is opened. */
export class CrashingDisk {
  readonly #disk = new VirtualDisk({ seed: 1, schedule: (_, run) => void setImmediate(run) });

  open(): Disk {
    this.#disk.crash(LOSE_UNSYNCED);
    return this.#disk.attach();
  }
}

export const CLOCK: Clock = {
  now: () => performance.now(),
  setTimer: (ms, callback) => Number(setTimeout(callback, ms)),
  clearTimer: (handle) => clearTimeout(handle),
  defer: (callback) => void setImmediate(callback),
};
