import { invariant } from "@synod/core";

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512;

/** What power loss made of one unsynced sector. */
export type SectorFate = "old" | "new" | "garbage";

/** Decides what survives of one file. */
export interface FileFate {
  sector(sector: number): SectorFate;
  /** A size from `synced` to `unsynced`, both included. */
  size(synced: number, unsynced: number): number;
  /** 32 bits for the `word`-th word of a sector of garbage. */
  garbage(sector: number, word: number): number;
}

/**
 * The bytes of one file: the platter, and above it the sectors that were written and not synced. A
 * reader sees both. After a failed sync the sectors stay visible but are not dirty any more: no
 * later sync saves them, as on Linux. Sectors on the platter are replaced, never written to, so
 * that twins may share them.
 */
export class VirtualFile {
  /** By number; absent ones are zero. */
  #platter: (Uint8Array | undefined)[] = [];
  #platterSize = 0;
  #size = 0;
  #dirty = new Map<number, Uint8Array>();
  #dropped = new Map<number, Uint8Array>();
  /** What lying syncs have reported, and what will be lost once another one is honest. */
  #owed = new Map<number, Uint8Array>();

  /** A twin, unsynced sectors included. */
  copy(): VirtualFile {
    const twin = new VirtualFile();
    twin.#platter = [...this.#platter];
    twin.#platterSize = this.#platterSize;
    twin.#size = this.#size;
    twin.#dirty = copySectors(this.#dirty);
    twin.#dropped = copySectors(this.#dropped);
    twin.#owed = copySectors(this.#owed);
    return twin;
  }

  /** As a reader sees it. */
  get size(): number {
    return this.#size;
  }

  /** Sectors that a power loss may take, ascending. */
  unsyncedSectors(): number[] {
    return [...this.#dirty.keys()].sort((a, b) => a - b);
  }

  read(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.#size);
    if (end <= offset) return new Uint8Array(0);
    const bytes = new Uint8Array(end - offset);
    const last = Math.floor((end - 1) / SECTOR_BYTES);
    for (let sector = Math.floor(offset / SECTOR_BYTES); sector <= last; sector += 1) {
      const held = this.#seen(sector);
      if (held === undefined) continue;
      const start = sector * SECTOR_BYTES;
      const from = Math.max(offset, start);
      const to = Math.min(end, start + SECTOR_BYTES);
      bytes.set(held.subarray(from - start, to - start), from - offset);
    }
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    // Copied once; sectors that are written whole are views of the copy, each of its own part.
    const taken = bytes.slice();
    const end = offset + taken.length;
    let at = offset;
    while (at < end) {
      const sector = Math.floor(at / SECTOR_BYTES);
      const within = at - sector * SECTOR_BYTES;
      const length = Math.min(SECTOR_BYTES - within, end - at);
      const part = taken.subarray(at - offset, at - offset + length);
      if (length === SECTOR_BYTES) this.#dirty.set(sector, part);
      else this.#dirtySector(sector).set(part, within);
      if (this.#dropped.size > 0) this.#dropped.delete(sector);
      if (this.#owed.size > 0) this.#owed.delete(sector);
      at += length;
    }
    this.#size = Math.max(this.#size, end);
  }

  sync(): void {
    if (this.#dirty.size > 0) this.#drop(this.#owed);
    for (const [sector, bytes] of this.#dirty) this.#platter[sector] = bytes;
    this.#dirty.clear();
    this.#platterSize = this.#size;
  }

  /**
   * A sync that lies: nothing has reached the platter. If the power goes before anything later is
   * synced, it turns out that all of it has after all; else that nothing has. Lost at the very end
   * of a file it would be as if it had never been written, and no reader could tell.
   */
  deferSync(): void {
    for (const [sector, bytes] of this.#dirty) this.#owed.set(sector, bytes);
    this.#dirty.clear();
  }

  /** A sync that failed: nothing has reached the platter, and nothing will. */
  failSync(): void {
    this.#drop(this.#dirty);
  }

  #drop(sectors: Map<number, Uint8Array>): void {
    for (const [sector, bytes] of sectors) this.#dropped.set(sector, bytes);
    sectors.clear();
  }

  /** The power goes: `fate` decides about every unsynced sector and about the size. */
  lose(fate: FileFate): void {
    for (const [sector, bytes] of this.#owed) this.#platter[sector] = bytes;
    if (this.#owed.size > 0)
      this.#platterSize = Math.max(this.#platterSize, this.#endOf(this.#owed));
    this.#owed.clear();
    for (const sector of this.unsyncedSectors()) {
      const kept = fate.sector(sector);
      if (kept === "new") this.#platter[sector] = this.#dirty.get(sector);
      else if (kept === "garbage") this.#platter[sector] = garbage(sector, fate);
    }
    this.#dirty.clear();
    this.#dropped.clear();
    const size = fate.size(this.#platterSize, this.#size);
    invariant(size >= this.#platterSize && size <= this.#size, "a size that the file never had");
    this.#resize(size);
  }

  /**
   * Changes bytes at rest, behind everybody's back: rot, or a write that went to the wrong place.
   */
  overwriteAtRest(offset: number, bytes: Uint8Array): void {
    const size = this.#size;
    const dirty = new Set(this.#dirty.keys());
    this.write(offset, bytes);
    for (const sector of this.unsyncedSectors()) {
      if (dirty.has(sector)) continue;
      this.#platter[sector] = this.#dirty.get(sector);
      this.#dirty.delete(sector);
    }
    if (this.#size > size) this.#platterSize = this.#size;
  }

  truncateAtRest(size: number): void {
    for (const sector of this.unsyncedSectors())
      if (sector * SECTOR_BYTES >= size) this.#dirty.delete(sector);
    this.#resize(Math.min(size, this.#size));
  }

  /** Where the last of these sectors ends, within the file. */
  #endOf(sectors: ReadonlyMap<number, Uint8Array>): number {
    return Math.min(this.#size, (Math.max(...sectors.keys()) + 1) * SECTOR_BYTES);
  }

  #resize(size: number): void {
    const sectors = Math.ceil(size / SECTOR_BYTES);
    if (sectors < this.#platter.length) this.#platter.length = sectors;
    const within = size % SECTOR_BYTES;
    const last = this.#platter[sectors - 1];
    if (within > 0 && last !== undefined) {
      const cut = last.slice();
      cut.fill(0, within);
      this.#platter[sectors - 1] = cut;
    }
    this.#size = size;
    this.#platterSize = size;
  }

  /** What a reader sees of a sector; undefined: zeros. */
  #seen(sector: number): Uint8Array | undefined {
    if (this.#dirty.size + this.#owed.size + this.#dropped.size === 0) return this.#platter[sector];
    const written = this.#dirty.get(sector) ?? this.#owed.get(sector) ?? this.#dropped.get(sector);
    return written ?? this.#platter[sector];
  }

  #dirtySector(sector: number): Uint8Array {
    const dirty = this.#dirty.get(sector);
    if (dirty !== undefined) return dirty;
    const copy = this.#seen(sector)?.slice() ?? new Uint8Array(SECTOR_BYTES);
    this.#dirty.set(sector, copy);
    return copy;
  }
}

function copySectors(sectors: ReadonlyMap<number, Uint8Array>): Map<number, Uint8Array> {
  const copy = new Map<number, Uint8Array>();
  for (const [sector, bytes] of sectors) copy.set(sector, bytes.slice());
  return copy;
}

function garbage(sector: number, fate: FileFate): Uint8Array {
  const bytes = new Uint8Array(SECTOR_BYTES);
  const view = new DataView(bytes.buffer);
  for (let word = 0; word < SECTOR_BYTES / 4; word += 1)
    view.setUint32(word * 4, fate.garbage(sector, word) >>> 0, true);
  return bytes;
}
