import type { Disk, Done } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { createJournal } from "./create-journal.ts";
import { inOrder } from "./in-order.ts";
import { segmentName, segmentSequence } from "./layout.ts";

/**
 * Every configuration has a journal of its own: what a member promised in one says nothing in
 * another. The segments of the first one have plain names; those of a later one begin with its
 * number. So whatever a crash leaves of an old journal is never taken for a part of the new one.
 */
function prefixOf(configuration: number): string {
  return configuration === 1 ? "" : `c${configuration}-`;
}

/** How the name of a first segment ends until it is whole: what has a journal's name is one. */
const UNFINISHED = ".unfinished";

/** Of which configuration's journal this file is a segment; null when it is none. */
export function journalOf(name: string): number | null {
  const match = /^(?:c([1-9]\d{0,14})-)?(journal-\d{12})$/.exec(name);
  if (match === null || segmentSequence(match[2] as string) === null) return null;
  return match[1] === undefined ? 1 : Number(match[1]);
}

/** The disk as the journal of a configuration sees it: its own segments, under plain names. */
export function journalDisk(disk: Disk, configuration: number): Disk {
  const prefix = prefixOf(configuration);
  if (prefix === "") return disk;
  return {
    ...renamed(disk, (name) => prefix + name),
    list: (done) =>
      disk.list((error, names) => {
        const own = names.filter((name) => journalOf(name) === configuration);
        done(
          error,
          own.map((name) => name.slice(prefix.length)),
        );
      }),
  };
}

/** The same disk, on which files have other names than those that are asked for. */
function renamed(disk: Disk, full: (name: string) => string): Disk {
  return {
    lock: (done) => disk.lock(done),
    unlock: (done) => disk.unlock(done),
    list: (done) => disk.list(done),
    create: (name, done) => disk.create(full(name), done),
    size: (name, done) => disk.size(full(name), done),
    read: (name, offset, length, done) => disk.read(full(name), offset, length, done),
    write: (name, offset, bytes, done) => disk.write(full(name), offset, bytes, done),
    sync: (name, done) => disk.sync(full(name), done),
    rename: (from, to, done) => disk.rename(full(from), full(to), done),
    remove: (name, done) => disk.remove(full(name), done),
    syncDirectory: (done) => disk.syncDirectory(done),
  };
}

/**
 * Makes an empty journal in the place of whatever there is of that configuration. Its name comes
 * last: what a crash leaves is no journal yet, or a whole one.
 */
export function beginJournal(
  options: { readonly disk: Disk; readonly checksum: Checksum; readonly identity: string },
  configuration: number,
  done: Done,
): void {
  const { disk } = options;
  const name = `${prefixOf(configuration)}${segmentName(1)}`;
  const unfinished = `${name}${UNFINISHED}`;
  inOrder(
    [
      (next) => removeJournals(disk, (number) => number === configuration, next),
      (next) => createJournal({ ...options, disk: renamed(disk, () => unfinished) }, next),
      (next) => disk.rename(unfinished, name, next),
      (next) => disk.syncDirectory(next),
    ],
    done,
  );
}

/** Removes the journals of these configurations. */
export function removeJournals(
  disk: Disk,
  isGone: (configuration: number) => boolean,
  done: Done,
): void {
  disk.list((error, names) => {
    if (error !== null) return done(error);
    const gone = names.filter((name) => {
      const number = journalOf(
        name.endsWith(UNFINISHED) ? name.slice(0, -UNFINISHED.length) : name,
      );
      return number !== null && isGone(number);
    });
    if (gone.length === 0) return done(null);
    inOrder(
      [
        ...gone.map((name) => (next: Done) => disk.remove(name, next)),
        (next: Done) => disk.syncDirectory(next),
      ],
      done,
    );
  });
}
