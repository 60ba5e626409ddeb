import { Draws } from "./addressed.ts";
import { SECTOR_BYTES, type VirtualFile } from "./disk-file.ts";
import type { DiskImage } from "./disk-image.ts";
import type { FileUse, RotPlace } from "./fault-disk.ts";

/** A place in a file, sector by sector. */
interface Place {
  readonly file: VirtualFile;
  readonly sector: number;
}

const PREFIXES: Readonly<Record<RotPlace, string>> = Object.freeze({
  head: "journal-",
  middle: "journal-",
  tail: "journal-",
  identity: "identity-",
  snapshot: "snapshot-",
});

/** Flips some bits of one sector that holds something. False: there is nothing to rot. */
export function rotAtRest(image: DiskImage, place: RotPlace, seed: number): boolean {
  const draws = new Draws(seed, "damage");
  const places = writtenSectors(image, PREFIXES[place], place === "identity" ? 1 : 1_000);
  const at = pickPlace(places, place, draws);
  if (at === undefined) return false;
  const bytes = at.file.read(at.sector * SECTOR_BYTES, SECTOR_BYTES);
  const flips = draws.pick([1, 1, 8, 400]);
  for (let flip = 0; flip < flips; flip += 1) {
    const bit = draws.between(0, bytes.length * 8 - 1);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  }
  at.file.overwriteAtRest(at.sector * SECTOR_BYTES, bytes);
  return true;
}

/** One sector of the journal holds what was meant for another one. False: there are no two. */
export function misdirectAtRest(image: DiskImage, seed: number): boolean {
  const draws = new Draws(seed, "damage");
  const [from, to] = draws.some(writtenSectors(image, "journal-", 1_000), 2);
  if (from === undefined || to === undefined) return false;
  const bytes = from.file.read(from.sector * SECTOR_BYTES, SECTOR_BYTES);
  to.file.overwriteAtRest(to.sector * SECTOR_BYTES, bytes);
  return true;
}

/** One such file is gone. Of the two copies of the identity one stays. False: there is none. */
export function loseFileAtRest(image: DiskImage, use: FileUse, seed: number): boolean {
  const names = image.names().filter((name) => name.startsWith(`${use}-`));
  if (names.length < (use === "identity" ? 2 : 1)) return false;
  image.removeAtRest(new Draws(seed, "damage").pick(names));
  return true;
}

function pickPlace(places: readonly Place[], place: RotPlace, draws: Draws): Place | undefined {
  if (place === "head") return places[0];
  if (place === "tail") return places[places.length - 1];
  return places.length === 0 ? undefined : draws.pick(places);
}

/** Sectors that are not all zero, in the order of names and places; of so many files at most. */
function writtenSectors(image: DiskImage, prefix: string, filesMax: number): Place[] {
  const places: Place[] = [];
  const names = image.names().filter((name) => name.startsWith(prefix));
  for (const name of names.slice(0, filesMax)) {
    const file = image.file(name) as VirtualFile;
    for (let sector = 0; sector * SECTOR_BYTES < file.size; sector += 1)
      if (file.read(sector * SECTOR_BYTES, SECTOR_BYTES).some((byte) => byte !== 0))
        places.push({ file, sector });
  }
  return places;
}
