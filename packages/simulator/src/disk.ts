import type { Disk, Done, PortError } from "@synod/core";
import { drawFraction, longTail } from "./addressed.ts";
import { type DiskCall, DiskFaults } from "./disk-faults.ts";
import { SECTOR_BYTES, type VirtualFile } from "./disk-file.ts";
import { type CrashFate, DiskImage, LOSE_UNSYNCED, portError, seededFate } from "./disk-image.ts";

/** Mean duration of the calls, ms; each call's own is drawn around it with a long tail. */
export interface DiskLatency {
  readonly read: number;
  readonly write: number;
  readonly sync: number;
  /** Everything that concerns names. */
  readonly directory: number;
}

export const USUAL_DISK_LATENCY: DiskLatency = Object.freeze({
  read: 0.05,
  write: 0.03,
  sync: 0.25,
  directory: 0.1,
});

export interface VirtualDiskOptions {
  readonly seed: number;
  /** Runs `callback` after `delayMs` of virtual time, never at once. */
  readonly schedule: (delayMs: number, callback: () => void) => void;
  readonly latency?: DiskLatency;
}

/** One process that has the directory open. Dead ones are ignored. */
interface Holder {
  alive: boolean;
}

interface Operation {
  readonly call: DiskCall;
  readonly holder: Holder;
  readonly delayMs: number;
  /** Does it, and returns what to tell the caller. */
  readonly perform: () => () => void;
  /** What may be under way on the disk when the caller dies. */
  readonly begun: (() => void) | null;
}

/**
 * The disk of one simulated machine. Sectors are written whole or not at all; unsynced sectors,
 * sizes and directory entries are lost or kept one by one in a crash. Bytes of a write are taken
 * when the write completes, so that a caller who reuses his buffer too early ruins his own data,
 * here as on a real disk.
 */
export class VirtualDisk {
  readonly faults: DiskFaults = new DiskFaults();
  readonly #options: VirtualDiskOptions;
  readonly #latency: DiskLatency;
  readonly #queues = new Map<string, Operation[]>();
  #image: DiskImage;
  #holders: Holder[] = [];
  #locked: Holder | null = null;
  #calls = 0;
  #syncs = 0;
  /** Rises with every crash: completions of earlier lives do nothing. */
  #life = 0;

  constructor(options: VirtualDiskOptions, image: DiskImage | null = null) {
    this.#options = options;
    this.#latency = options.latency ?? USUAL_DISK_LATENCY;
    this.#image = image === null ? new DiskImage() : image.copy();
  }

  /** Calls of all ports so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Successful syncs of files so far. */
  get syncs(): number {
    return this.#syncs;
  }

  /**
   * The port of one process that opens the directory; it dies with {@link crash} or {@link kill}.
   */
  attach(): Disk {
    const holder: Holder = { alive: true };
    this.#holders.push(holder);
    return this.#port(holder);
  }

  /** The power goes: everything unsynced is lost or kept as `fate` decides. */
  crash(fate: CrashFate | number): void {
    this.kill();
    this.#image.crash(typeof fate === "number" ? seededFate(fate) : fate);
  }

  /** All processes die; what they wrote stays in the machine's memory, and their lock is free. */
  kill(): void {
    for (const holder of this.#holders) holder.alive = false;
    this.#holders = [];
    this.#locked = null;
    this.#life += 1;
    for (const key of [...this.#queues.keys()].sort())
      for (const operation of this.#queues.get(key) as Operation[]) operation.begun?.();
    this.#queues.clear();
  }

  /** The state of now, to come back to: what `restore` needs to make a stale disk. */
  copy(): DiskImage {
    return this.#image.copy();
  }

  /** What would be left if the power went and everything unsynced were lost. */
  platter(): DiskImage {
    const image = this.copy();
    image.crash(LOSE_UNSYNCED);
    return image;
  }

  /**
   * The disk is another one from now on (a backup, an old state). Only while no process is alive.
   */
  restore(image: DiskImage): void {
    this.kill();
    this.#image = image.copy();
  }

  /** The disk is replaced by an empty one. */
  wipe(): void {
    this.restore(new DiskImage());
  }

  /** For tampering at rest, and for looking. */
  get image(): DiskImage {
    return this.#image;
  }

  /** Flips one bit of a file at rest; false if the file has no such byte. */
  flipBit(name: string, offset: number, bit: number): boolean {
    const file = this.#image.file(name);
    if (file === null || offset >= file.size) return false;
    const byte = (file.read(offset, 1)[0] as number) ^ (1 << (bit & 7));
    file.overwriteAtRest(offset, Uint8Array.of(byte));
    return true;
  }

  #port(holder: Holder): Disk {
    return {
      lock: (done) => this.#directory(holder, "lock", "", () => this.#lock(holder), done),
      unlock: (done) => this.#directory(holder, "unlock", "", () => this.#unlock(holder), done),
      list: (done) =>
        this.#submit(holder, "list", "", null, (error) => {
          const names = error === null ? this.#image.names() : [];
          return () => done(error, names);
        }),
      create: (name, done) =>
        this.#directory(holder, "create", name, () => this.#create(name), done),
      size: (name, done) => this.#withFile(holder, "size", name, (file) => file.size, 0, done),
      read: (name, offset, length, done) =>
        this.#withFile(
          holder,
          "read",
          name,
          (file) => file.read(offset, length),
          new Uint8Array(0),
          done,
        ),
      write: (name, offset, bytes, done) => this.#write(holder, name, offset, bytes, done),
      sync: (name, done) => this.#sync(holder, name, done),
      rename: (from, to, done) =>
        this.#directory(holder, "rename", from, () => this.#image.rename(from, to), done),
      remove: (name, done) =>
        this.#directory(holder, "remove", name, () => this.#image.remove(name), done),
      syncDirectory: (done) =>
        this.#submit(holder, "syncDirectory", "", null, (error) => {
          if (error === null) this.#image.syncDirectory();
          return () => done(error);
        }),
    };
  }

  #lock(holder: Holder): PortError | null {
    if (this.#locked !== null && this.#locked !== holder)
      return portError("locked", "another process holds the directory");
    this.#locked = holder;
    return null;
  }

  #unlock(holder: Holder): PortError | null {
    if (this.#locked === holder) this.#locked = null;
    return null;
  }

  #create(name: string): PortError | null {
    const { capacityBytes } = this.faults;
    const limited = capacityBytes !== Number.POSITIVE_INFINITY;
    if (limited && this.#image.usedBytes() + SECTOR_BYTES > capacityBytes) {
      this.faults.struck();
      return portError("no-space", `no space to create ${name}`);
    }
    return this.#image.create(name);
  }

  #directory(
    holder: Holder,
    call: DiskCall,
    name: string,
    perform: () => PortError | null,
    done: Done,
  ): void {
    const begun = call === "lock" || call === "unlock" ? null : () => void perform();
    this.#submit(holder, call, name, begun, (failed) => {
      const error = failed ?? perform();
      return () => done(error);
    });
  }

  #withFile<T>(
    holder: Holder,
    call: "size" | "read",
    name: string,
    look: (file: VirtualFile) => T,
    nothing: T,
    done: (error: PortError | null, value: T) => void,
  ): void {
    this.#submit(holder, call, name, null, (failed) => {
      const file = this.#image.file(name);
      const error = failed ?? (file === null ? notFound(name) : null);
      const value = error === null && file !== null ? look(file) : nothing;
      return () => done(error, value);
    });
  }

  #write(holder: Holder, name: string, offset: number, bytes: Uint8Array, done: Done): void {
    const begun = () => void this.#writeWhatFits(name, offset, bytes);
    this.#submit(holder, "write", name, begun, (failed) => {
      let error = failed;
      if (failed !== null) {
        const half = Math.floor(bytes.length / (2 * SECTOR_BYTES)) * SECTOR_BYTES;
        this.#writeWhatFits(name, offset, bytes.subarray(0, half));
      } else error = this.#writeWhatFits(name, offset, bytes);
      return () => done(error);
    });
  }

  #writeWhatFits(name: string, offset: number, bytes: Uint8Array): PortError | null {
    const file = this.#image.file(name);
    if (file === null) return notFound(name);
    const { capacityBytes } = this.faults;
    if (capacityBytes === Number.POSITIVE_INFINITY) {
      file.write(offset, bytes);
      return null;
    }
    const room = Math.max(0, capacityBytes - this.#image.usedBytes());
    const end = Math.ceil(file.size / SECTOR_BYTES) * SECTOR_BYTES + room;
    if (offset + bytes.length <= end) {
      file.write(offset, bytes);
      return null;
    }
    if (end > offset) file.write(offset, bytes.subarray(0, end - offset));
    this.faults.struck();
    return portError("no-space", `no space to write ${bytes.length} bytes to ${name}`);
  }

  #sync(holder: Holder, name: string, done: Done): void {
    this.#submit(holder, "sync", name, null, (failed) => {
      const file = this.#image.file(name);
      if (failed !== null) file?.failSync();
      else if (file !== null) {
        const lie = this.faults.lies(name);
        if (lie === null) file.sync();
        else if (lie === "lost") file.failSync();
        else file.deferSync();
        this.#syncs += 1;
      }
      const error = failed ?? (file === null ? notFound(name) : null);
      return () => done(error);
    });
  }

  /** Queues a call behind those before it on the same file, or on the directory. */
  #submit(
    holder: Holder,
    call: DiskCall,
    name: string,
    begun: (() => void) | null,
    perform: (failed: PortError | null) => () => void,
  ): void {
    if (!holder.alive) return;
    this.#calls += 1;
    const ofFile = call === "size" || call === "read" || call === "write" || call === "sync";
    const key = ofFile ? name : "";
    const operation: Operation = {
      call,
      holder,
      begun,
      delayMs: this.#delayMs(call),
      perform: () => perform(this.faults.strike(call, name)),
    };
    const queue = this.#queues.get(key);
    if (queue !== undefined) {
      queue.push(operation);
      return;
    }
    this.#queues.set(key, [operation]);
    this.#start(key, operation);
  }

  #start(key: string, operation: Operation): void {
    const life = this.#life;
    this.#options.schedule(operation.delayMs, () => {
      if (life !== this.#life) return;
      const queue = this.#queues.get(key) as Operation[];
      const tell = operation.perform();
      queue.shift();
      const next = queue[0];
      if (next === undefined) this.#queues.delete(key);
      else this.#start(key, next);
      tell();
    });
  }

  #delayMs(call: DiskCall): number {
    const mean = meanOf(call, this.#latency);
    const drawn = longTail(drawFraction(this.#options.seed, "disk", 1, 0, this.#calls));
    const extra = call === "write" || call === "sync" ? this.faults.extraMs : 0;
    return mean * (0.4 + drawn * 0.6) + extra;
  }
}

function meanOf(call: DiskCall, latency: DiskLatency): number {
  switch (call) {
    case "read":
    case "size":
      return latency.read;
    case "write":
      return latency.write;
    case "sync":
      return latency.sync;
    default:
      return latency.directory;
  }
}

function notFound(name: string): PortError {
  return portError("not-found", `${name} does not exist`);
}
