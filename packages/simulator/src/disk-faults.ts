import type { PortError } from "@synod/core";

/** One kind of call of the disk port. */
export type DiskCall =
  | "lock"
  | "unlock"
  | "list"
  | "create"
  | "size"
  | "read"
  | "write"
  | "sync"
  | "rename"
  | "remove"
  | "syncDirectory";

/**
 * Calls of one kind, or of several counted together, that fail. A failed write has written its
 * first half; a failed sync loses all unsynced.
 */
export interface DiskFault {
  readonly call: DiskCall | readonly DiskCall[];
  /** Only files whose name begins so; empty: all. */
  readonly prefix: string;
  /** This many matching calls succeed first. */
  readonly after: number;
  /** Then this many fail. */
  readonly times: number;
  readonly error: PortError;
}

/**
 * Syncs that report success, and have lied: what they were to save is seen until the power goes.
 */
export interface DiskLie {
  /** Only files whose name begins so. */
  readonly prefix: string;
  /** This many syncs of such files are honest first. */
  readonly after: number;
  /** Then this many lie. */
  readonly times: number;
  /**
   * `lost`: nothing saves it any more; `late`: it is lost when a later sync of the file is honest.
   */
  readonly fate: "lost" | "late";
  /** A sync has lied. */
  readonly told: () => void;
}

/** Mutable: a simulated world turns these while it runs. */
export class DiskFaults {
  /** Bytes that the disk holds; writes and creations beyond fail with `no-space`. */
  capacityBytes: number = Number.POSITIVE_INFINITY;
  /** Added to every write and sync, ms. */
  extraMs = 0;
  #strikes = 0;
  #armed: { readonly fault: DiskFault; seen: number }[] = [];
  #lies: { readonly lie: DiskLie; seen: number }[] = [];

  /** Calls that have failed so far, for whatever reason. */
  get strikes(): number {
    return this.#strikes;
  }

  /** A call has failed for want of space. */
  struck(): void {
    this.#strikes += 1;
  }

  arm(fault: DiskFault): void {
    this.#armed.push({ fault, seen: 0 });
  }

  armLie(lie: DiskLie): void {
    this.#lies.push({ lie, seen: 0 });
  }

  /** The disk works again. */
  clear(): void {
    this.#armed = [];
    this.#lies = [];
    this.capacityBytes = Number.POSITIVE_INFINITY;
    this.extraMs = 0;
  }

  /** Counts one sync; null: it is honest. */
  lies(name: string): DiskLie["fate"] | null {
    let fate: DiskLie["fate"] | null = null;
    for (const told of this.#lies) {
      const { lie } = told;
      if (!name.startsWith(lie.prefix)) continue;
      told.seen += 1;
      if (fate !== null || told.seen <= lie.after || told.seen > lie.after + lie.times) continue;
      fate = lie.fate;
      lie.told();
    }
    return fate;
  }

  /** Counts one call; the error that it ends with, if it was to fail. */
  strike(call: DiskCall, name: string): PortError | null {
    let error: PortError | null = null;
    for (const armed of this.#armed) {
      const { fault } = armed;
      const isMeant =
        typeof fault.call === "string" ? fault.call === call : fault.call.includes(call);
      if (!isMeant || !name.startsWith(fault.prefix)) continue;
      armed.seen += 1;
      if (armed.seen > fault.after && armed.seen <= fault.after + fault.times)
        error ??= fault.error;
    }
    if (error !== null) this.#strikes += 1;
    return error;
  }
}
