import type { PortError, PortErrorCode } from "@synod/core";
import { draw } from "./addressed.ts";
import { SECTOR_BYTES, type SectorFate, VirtualFile } from "./disk-file.ts";

/** A change of the directory that was not synced: one item each, lost or kept on its own. */
export type PendingEntry =
  | { readonly kind: "created"; readonly name: string; readonly file: number }
  | { readonly kind: "removed"; readonly name: string }
  | { readonly kind: "renamed"; readonly from: string; readonly to: string; readonly file: number };

/**
 * What a power loss leaves of everything unsynced. Files are given by their number, which survives
 * renames.
 */
export interface CrashFate {
  sector(file: number, sector: number): SectorFate;
  size(file: number, synced: number, unsynced: number): number;
  garbage(file: number, sector: number, word: number): number;
  /** Whether the `index`-th unsynced change of the directory is kept. */
  entry(entry: PendingEntry, index: number): boolean;
}

/** Everything unsynced is lost. */
export const LOSE_UNSYNCED: CrashFate = Object.freeze<CrashFate>({
  sector: () => "old",
  size: (_file, synced) => synced,
  garbage: () => 0,
  entry: () => false,
});

/** Everything unsynced happens to be on the disk. */
export const KEEP_UNSYNCED: CrashFate = Object.freeze<CrashFate>({
  sector: () => "new",
  size: (_file, _synced, unsynced) => unsynced,
  garbage: () => 0,
  entry: () => true,
});

/**
 * Each unsynced item is old or new on its own, by address; with `garbageFraction`, some sectors
 * become neither. Four seeds in eight are lopsided, as it takes many equal draws for one item to
 * stand out.
 */
export function seededFate(seed: number, garbageFraction = 0): CrashFate {
  const keep = [0.5, 0.5, 0.5, 0.5, 0.05, 0.95, 0, 1][draw(seed, "disk", 90) % 8] as number;
  const kept = (purpose: number, a: number, b: number): boolean =>
    draw(seed, "disk", purpose, a, b) / 0x1_0000_0000 < keep;
  return {
    sector: (file, sector) => {
      if (draw(seed, "disk", 91, file, sector) / 0x1_0000_0000 < garbageFraction) return "garbage";
      return kept(92, file, sector) ? "new" : "old";
    },
    size: (file, synced, unsynced) => {
      const way = draw(seed, "disk", 93, file) % 3;
      if (way === 0 || synced === unsynced) return synced;
      if (way === 1) return unsynced;
      const sectors = Math.floor((unsynced - synced) / SECTOR_BYTES);
      return synced + (draw(seed, "disk", 94, file) % (sectors + 1)) * SECTOR_BYTES;
    },
    garbage: (file, sector, word) => draw(seed, "disk", 95 + file, sector, word),
    entry: (_entry, index) => kept(89, index, 0),
  };
}

export function portError(code: PortErrorCode, message: string): PortError {
  return { code, message };
}

/** One disk with its directory, as data: can be copied, restored, crashed and tampered with. */
export class DiskImage {
  #files = new Map<number, VirtualFile>();
  #names = new Map<string, number>();
  #platterNames = new Map<string, number>();
  #pending: PendingEntry[] = [];
  #lastFile = 0;

  /** A twin, everything unsynced included. */
  copy(): DiskImage {
    const twin = new DiskImage();
    for (const [number, file] of this.#files) twin.#files.set(number, file.copy());
    twin.#names = new Map(this.#names);
    twin.#platterNames = new Map(this.#platterNames);
    twin.#pending = [...this.#pending];
    twin.#lastFile = this.#lastFile;
    return twin;
  }

  /** Ascending. */
  names(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** As a reader sees it. */
  file(name: string): VirtualFile | null {
    const number = this.#names.get(name);
    return number === undefined ? null : (this.#files.get(number) as VirtualFile);
  }

  /** Bytes of all files, each rounded up to sectors. */
  usedBytes(): number {
    let used = 0;
    for (const name of this.names())
      used += Math.ceil((this.file(name)?.size ?? 0) / SECTOR_BYTES) * SECTOR_BYTES;
    return used;
  }

  create(name: string): PortError | null {
    if (this.#names.has(name)) return portError("exists", `${name} exists`);
    this.#lastFile += 1;
    const file = this.#lastFile;
    this.#files.set(file, new VirtualFile());
    this.#names.set(name, file);
    this.#pending.push({ kind: "created", name, file });
    return null;
  }

  rename(from: string, to: string): PortError | null {
    const file = this.#names.get(from);
    if (file === undefined) return portError("not-found", `${from} does not exist`);
    this.#names.delete(from);
    this.#names.set(to, file);
    this.#pending.push({ kind: "renamed", from, to, file });
    return null;
  }

  remove(name: string): PortError | null {
    if (!this.#names.delete(name)) return portError("not-found", `${name} does not exist`);
    this.#pending.push({ kind: "removed", name });
    return null;
  }

  syncDirectory(): void {
    this.#platterNames = new Map(this.#names);
    this.#pending = [];
    this.#forgetUnreachable();
  }

  /** The power goes. */
  crash(fate: CrashFate): void {
    for (const [index, entry] of this.#pending.entries())
      if (fate.entry(entry, index)) this.#keepEntry(entry);
    this.#pending = [];
    this.#names.clear();
    for (const [name, file] of this.#platterNames) this.#names.set(name, file);
    this.#forgetUnreachable();
    for (const [number, file] of this.#files) {
      file.lose({
        sector: (sector) => fate.sector(number, sector),
        size: (synced, unsynced) => fate.size(number, synced, unsynced),
        garbage: (sector, word) => fate.garbage(number, sector, word),
      });
    }
  }

  /** The file is gone from the platter, as if somebody had deleted it while the machine was off. */
  removeAtRest(name: string): void {
    this.#names.delete(name);
    this.#platterNames.delete(name);
    this.#pending = this.#pending.filter((entry) =>
      entry.kind === "renamed" ? entry.to !== name : entry.name !== name,
    );
    this.#forgetUnreachable();
  }

  /** A file that somebody put there while the machine was off. */
  putAtRest(name: string, bytes: Uint8Array): void {
    this.removeAtRest(name);
    this.#lastFile += 1;
    const file = new VirtualFile();
    file.write(0, bytes);
    file.sync();
    this.#files.set(this.#lastFile, file);
    this.#names.set(name, this.#lastFile);
    this.#platterNames.set(name, this.#lastFile);
  }

  #keepEntry(entry: PendingEntry): void {
    const names = this.#platterNames;
    if (entry.kind === "removed") {
      names.delete(entry.name);
      return;
    }
    if (entry.kind === "created") {
      names.set(entry.name, entry.file);
      return;
    }
    if (names.get(entry.from) === entry.file) names.delete(entry.from);
    names.set(entry.to, entry.file);
  }

  #forgetUnreachable(): void {
    const reachable = new Set([...this.#names.values(), ...this.#platterNames.values()]);
    for (const entry of this.#pending) if (entry.kind !== "removed") reachable.add(entry.file);
    for (const number of [...this.#files.keys()])
      if (!reachable.has(number)) this.#files.delete(number);
  }
}
