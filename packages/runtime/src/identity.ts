import type { Disk, Done, PortError } from "@synod/core";
import type { Checksum } from "./checksum.ts";
import {
  decodeIdentity,
  encodeIdentity,
  IDENTITY_BYTES_LATER,
  type Identity,
  type IdentityCopy,
} from "./identity-codec.ts";
import { inOrder } from "./journal/in-order.ts";
import { journalOf } from "./journal/of-configuration.ts";

/** The two copies. One is overwritten only while the other is whole and durable. */
export const IDENTITY_NAMES: readonly [string, string] = Object.freeze([
  "identity-a",
  "identity-b",
]);

/**
 * Present while a format is under way: a directory with one and without an identity is unfinished.
 * The second one is of a start on a blank directory, which may simply go on with it.
 */
export const FORMATTING_NAME = "formatting";
export const FORMATTING_BLANK_NAME = "formatting-blank";

/**
 * What a data directory says about itself. `none`: nothing of ours; `unfinished`: a format was
 * interrupted, nothing was promised to anybody, format again (`blank`: no operator was involved, so
 * `formatted: false`);
 * `damaged`: there was an identity, and both copies are gone.
 */
export type FoundIdentity =
  | {
      readonly kind: "found";
      readonly identity: Identity;
      /** Configurations of which there are segments of a journal. */
      readonly journals: readonly number[];
    }
  | { readonly kind: "none" }
  | { readonly kind: "unfinished"; readonly blank: boolean }
  | { readonly kind: "damaged" };

const NEWER: PortError = Object.freeze({
  code: "denied",
  message: "the data directory was written by a newer version of this program",
});

type Copy = IdentityCopy | "absent" | "bad";

/**
 * Reads both copies, takes the one of the higher generation and rewrites the other from it when
 * that is bad, missing or older, so that two good ones exist before the next change.
 */
export function readIdentity(
  disk: Disk,
  checksum: Checksum,
  done: (error: PortError | null, found: FoundIdentity) => void,
): void {
  readCopies(disk, checksum, (error, copies, names) => {
    if (error !== null) return done(error, { kind: "none" });
    const best = newest(copies);
    if (best === null) return done(null, whatIsLeft(names));
    if (best === "contradiction") return done(null, { kind: "damaged" });
    const journals = new Set(names.map(journalOf).filter((number) => number !== null));
    const found: FoundIdentity = {
      kind: "found",
      identity: best.identity,
      journals: [...journals],
    };
    const stale = IDENTITY_NAMES.filter(
      (_, index) => generationOf(copies[index]) !== best.generation,
    );
    const bytes = encodeIdentity(best, checksum);
    inOrder(
      [
        ...stale.map((name) => (next: Done) => writeCopy(disk, name, bytes, names, next)),
        (next) => removeMarkers(disk, names, next),
      ],
      (failed) => done(failed, found),
    );
  });
}

/** With a whole identity the format is over; a marker left behind would disguise a later loss. */
export function removeMarkers(disk: Disk, names: readonly string[], done: Done): void {
  const markers = names.filter(isMarker);
  if (markers.length === 0) return done(null);
  inOrder(
    [
      ...markers.map((name) => (next: Done) => disk.remove(name, next)),
      (next: Done) => disk.syncDirectory(next),
    ],
    done,
  );
}

export function isMarker(name: string): boolean {
  return name === FORMATTING_NAME || name === FORMATTING_BLANK_NAME;
}

/** Makes `identity` durable: copy a, then copy b. Never two at once; the host sees to that. */
export function writeIdentity(
  disk: Disk,
  checksum: Checksum,
  identity: Identity,
  done: Done,
): void {
  readCopies(disk, checksum, (error, copies, names) => {
    if (error !== null) return done(error);
    const best = newest(copies);
    if (best === "contradiction" || (best === null && whatIsLeft(names).kind === "damaged"))
      return done({ code: "io", message: "both copies of the identity are damaged" });
    const generation = (best?.generation ?? 0) + 1;
    const bytes = encodeIdentity({ generation, identity }, checksum);
    inOrder(
      IDENTITY_NAMES.map((name) => (next) => writeCopy(disk, name, bytes, names, next)),
      done,
    );
  });
}

function whatIsLeft(names: readonly string[]): FoundIdentity {
  if (names.includes(FORMATTING_NAME)) return { kind: "unfinished", blank: false };
  if (names.includes(FORMATTING_BLANK_NAME)) return { kind: "unfinished", blank: true };
  return { kind: names.some(isOurFile) ? "damaged" : "none" };
}

const OUR_FILES: readonly RegExp[] = [
  /^identity-[ab]$/,
  /^formatting(?:-blank)?$/,
  /^(?:c\d+-)?journal-\d{12}(?:\.unfinished)?$/,
  /^snapshot-/,
];

/** The files that a node keeps in its directory; others there are none of its business. */
export function isOurFile(name: string): boolean {
  return OUR_FILES.some((pattern) => pattern.test(name));
}

function newest(copies: readonly Copy[]): IdentityCopy | null | "contradiction" {
  let best: IdentityCopy | null = null;
  for (const copy of copies) {
    if (copy === "absent" || copy === "bad") continue;
    if (best !== null && best.generation === copy.generation && !same(best, copy))
      return "contradiction";
    if (best === null || copy.generation > best.generation) best = copy;
  }
  return best;
}

function same(a: IdentityCopy, b: IdentityCopy): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function generationOf(copy: Copy | undefined): number {
  return typeof copy === "object" ? copy.generation : -1;
}

function readCopies(
  disk: Disk,
  checksum: Checksum,
  done: (error: PortError | null, copies: readonly Copy[], names: readonly string[]) => void,
): void {
  disk.list((error, names) => {
    if (error !== null) return done(error, [], []);
    const copies: Copy[] = [];
    inOrder(
      IDENTITY_NAMES.map((name) => (next) => {
        if (!names.includes(name)) {
          copies.push("absent");
          return next(null);
        }
        disk.read(name, 0, IDENTITY_BYTES_LATER + 1, (failed, bytes) => {
          // A copy that cannot be read is as good as rotten: the other one decides.
          const copy = failed === null ? decodeIdentity(bytes, checksum) : "bad";
          copies.push(copy === "newer" ? "bad" : copy);
          next(copy === "newer" ? NEWER : null);
        });
      }),
      (failed) => done(failed, copies, names),
    );
  });
}

function writeCopy(
  disk: Disk,
  name: string,
  bytes: Uint8Array,
  names: readonly string[],
  done: Done,
): void {
  const isNew = !names.includes(name);
  inOrder(
    [
      ...(isNew ? [(next: Done) => disk.create(name, next)] : []),
      (next) => disk.write(name, 0, bytes, next),
      (next) => disk.sync(name, next),
      ...(isNew ? [(next: Done) => disk.syncDirectory(next)] : []),
    ],
    done,
  );
}
