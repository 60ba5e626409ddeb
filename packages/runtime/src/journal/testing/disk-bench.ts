import { crc32, type Disk, type JournalRecord } from "@synod/core";
import { VirtualDisk } from "@synod/simulator";

/** A virtual disk, its clock, and the loop that runs both until nothing is left to happen. */
export class DiskBench {
  readonly disk: VirtualDisk;
  readonly checksum = crc32;
  readonly identity = "00112233445566778899aabbccddeeff";
  #events: { at: number; order: number; run: () => void }[] = [];
  #now = 0;
  #order = 0;

  constructor(seed = 1) {
    this.disk = new VirtualDisk({ seed, schedule: (delay, run) => this.#after(delay, run) });
  }

  readonly defer = (run: () => void): void => this.#after(0.01, run);

  #after(delay: number, run: () => void): void {
    this.#order += 1;
    this.#events.push({ at: this.#now + delay, order: this.#order, run });
  }

  /** Until nothing happens any more. */
  run(): void {
    while (this.#events.length > 0) {
      this.#events.sort((a, b) => a.at - b.at || a.order - b.order);
      const event = this.#events.shift()!;
      this.#now = event.at;
      event.run();
    }
  }

  /** Runs until `begin` has called back, and everything else that it set off, too. */
  settle<T extends unknown[]>(begin: (done: (...result: T) => void) => void): T {
    let result: T | null = null;
    begin((...given) => {
      if (result !== null) throw new Error("called back twice");
      result = given;
    });
    this.run();
    if (result === null) throw new Error("never called back");
    return result;
  }
}

/**
 * Lets `calls` port calls through; the next one and everything from then on is ignored, both ways.
 */
export function dyingDisk(disk: Disk, calls: number): { disk: Disk; dead: () => boolean } {
  let left = calls;
  let dead = false;
  const enter = (): boolean => {
    if (left <= 0) dead = true;
    left -= 1;
    return !dead;
  };
  const dying = new Proxy(disk, {
    get(target, name: keyof Disk) {
      const call = target[name] as (...args: unknown[]) => void;
      return (...args: unknown[]) => {
        if (!enter()) return;
        const done = args.pop() as (...given: unknown[]) => void;
        call(...args, (...given: unknown[]) => {
          if (!dead) done(...given);
        });
      };
    },
  });
  return { disk: dying, dead: () => dead };
}

/** A record that says which one it is, `bytes` long. */
export function numbered(index: number, bytes = 24): JournalRecord {
  const record = new Uint8Array(Math.max(4, bytes));
  for (let at = 4; at < record.length; at += 1) record[at] = (index * 31 + at * 7) & 0xff;
  new DataView(record.buffer).setUint32(0, index, true);
  return { record, about: { kind: "slots", log: 0, first: index, last: index } };
}

/** Which one it is; -1 when it is not as {@link numbered} made it. */
export function indexOf({ record, about }: JournalRecord): number {
  const index = new DataView(record.buffer, record.byteOffset).getUint32(0, true);
  const twin = numbered(index, record.length);
  const same = twin.record.every((byte, at) => byte === record[at]);
  return same && about.kind === "slots" && about.first === index && about.last === index
    ? index
    : -1;
}
