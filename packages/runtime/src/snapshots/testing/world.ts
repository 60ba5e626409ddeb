import type { Clock, Disk, Random } from "@synod/core";
import { crc32 } from "@synod/core";
import { type CrashFate, Scheduler, VirtualDisk } from "@synod/simulator";
import { SnapshotStore } from "../store.ts";

/** The ports of one process on a {@link World}'s machine, until it crashes. */
export interface Life {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
}

/** One machine: a virtual disk, virtual time, and lives that end at a given port call. */
export class World {
  readonly scheduler: Scheduler;
  readonly disk: VirtualDisk;
  /** Disk calls, deferrals and timers of the current life. */
  calls = 0;
  #alive: { alive: boolean } = { alive: true };
  #crash: { readonly at: number; readonly fate: CrashFate | number } | null = null;

  constructor(seed = 1, scheduler: Scheduler = new Scheduler()) {
    this.scheduler = scheduler;
    this.disk = new VirtualDisk({
      seed,
      schedule: (ms, run) => void scheduler.after(ms, 0, "disk", run),
    });
  }

  /** The current life's `at`-th call is its last, and does not take place. */
  crashAt(at: number, fate: CrashFate | number): void {
    this.#crash = { at, fate };
  }

  /** True when the armed crash has come. */
  get crashed(): boolean {
    return !this.#alive.alive;
  }

  crashNow(fate: CrashFate | number): void {
    this.#alive.alive = false;
    this.disk.crash(fate);
  }

  /** The process dies, the machine does not: what was written stays, synced or not. */
  killNow(): void {
    this.#alive.alive = false;
    this.disk.kill();
  }

  boot(): Life {
    const life = { alive: true };
    this.#alive = life;
    this.#crash = null;
    this.calls = 0;
    const enter = (): boolean => {
      if (!life.alive) return false;
      this.calls += 1;
      if (this.#crash === null || this.calls < this.#crash.at) return true;
      this.crashNow(this.#crash.fate);
      return false;
    };
    const { scheduler } = this;
    const timer = (ms: number, callback: () => void): number =>
      scheduler.after(ms, 0, "timer", () => {
        if (life.alive) callback();
      });
    const disk = this.disk.attach();
    const counted = Object.fromEntries(
      Object.entries(disk).map(([name, call]) => [
        name,
        (...args: unknown[]) =>
          enter() ? (call as (...all: unknown[]) => void)(...args) : undefined,
      ]),
    ) as unknown as Disk;
    return {
      disk: counted,
      clock: {
        now: () => scheduler.now,
        setTimer: (ms, callback) => (enter() ? timer(ms, callback) : 0),
        clearTimer: (handle) => scheduler.cancel(handle),
        defer: (callback) => {
          if (enter()) timer(0.01, callback);
        },
      },
      random: { next: () => 7 },
    };
  }

  store(life: Life, chunkBytes = 200): SnapshotStore {
    const guard = <A extends unknown[]>(callback: (...args: A) => void) => callback;
    return new SnapshotStore({ ...life, checksum: crc32, guard, chunkBytes });
  }

  /** Until nothing is left to do, or `until` holds. */
  run(until: () => boolean = () => false): void {
    for (let steps = 0; !until() && this.scheduler.step(); steps += 1)
      if (steps > 1_000_000) throw new Error("the world does not come to rest");
  }

  names(): string[] {
    return this.disk.image.names();
  }
}
