import type { Disk, Done, NodeId, PortError, Random, Remembered } from "@synod/core";
import type { Checksum } from "./checksum.ts";
import {
  FORMATTING_BLANK_NAME,
  FORMATTING_NAME,
  isMarker,
  isOurFile,
  readIdentity,
  removeMarkers,
  writeIdentity,
} from "./identity.ts";
import type { Identity } from "./identity-codec.ts";
import { createJournal } from "./journal/create-journal.ts";
import { inOrder } from "./journal/in-order.ts";
import type { ReplicaStorage } from "./storage/replica-storage.ts";

/** What `format` is told. The caller holds the lock of the directory. */
export interface FormatOptions {
  readonly disk: Disk;
  /** Where the journal goes; default, and null: in files on the disk. */
  readonly storage?: ReplicaStorage | null;
  readonly checksum: Checksum;
  readonly random: Random;
  /** 32 hex digits. */
  readonly cluster: string;
  readonly node: NodeId;
  /**
   * False: a start on a blank directory, which gives an identity that never votes. Default true.
   */
  readonly formatted?: boolean;
  /**
   * The data ids of the other members, when one operator formats all: nobody has to register then.
   */
  readonly registeredPeers?: readonly Remembered[];
  /** 32 hex digits; drawn when absent. */
  readonly dataId?: string;
}

/**
 * Makes a data directory: an empty journal, then the identity, whose first copy is the moment from
 * which the directory is formatted. A marker stands from the first change to the last: with it and
 * without an identity the directory is unfinished, nobody can have relied on it, and another format
 * starts over.
 * `exists` when the directory already has data.
 */
export function formatDirectory(
  options: FormatOptions,
  done: (error: PortError | null, identity: Identity | null) => void,
): void {
  const { disk, checksum, storage } = options;
  readIdentity(disk, checksum, (error, found) => {
    if (error !== null) return done(error, null);
    if (found.kind === "found") return done(alreadyHolds(found.identity), null);
    if (found.kind === "damaged") return done(HOLDS_DAMAGED, null);
    // Only a format that was interrupted can have left any.
    if (found.kind === "none" && (storage?.journals ?? []).length > 0)
      return done(STORAGE_HOLDS, null);
    const identity = newIdentity(options);
    const marker = identity.formatted ? FORMATTING_NAME : FORMATTING_BLANK_NAME;
    inOrder(
      [
        (next) => putMarker(disk, marker, next),
        (next) => removeLeftovers(disk, next),
        (next) => makeJournal(options, identity.dataId, next),
        (next) => writeIdentity(disk, checksum, identity, next),
        (next) =>
          disk.list((failed, names) => (failed ? next(failed) : removeMarkers(disk, names, next))),
      ],
      (failed) => done(failed, failed === null ? identity : null),
    );
  });
}

const HOLDS_DAMAGED: PortError = Object.freeze({
  code: "exists",
  message:
    "the directory holds data of a node whose identity is lost; formatting would destroy it: " +
    "move its files away first",
});

const STORAGE_HOLDS: PortError = Object.freeze({
  code: "exists",
  message:
    "the directory is blank, but the storage already holds journals: of a node whose identity is " +
    "lost, or of another one; formatting would destroy them",
});

function alreadyHolds(identity: Identity): PortError {
  return {
    code: "exists",
    message:
      `the directory already holds the data of node ${identity.node} ` +
      `of cluster ${identity.cluster}`,
  };
}

/** The marker's name must be durable before anything that a later format may remove. */
function putMarker(disk: Disk, marker: string, done: Done): void {
  disk.create(marker, (error) =>
    error === null || error.code === "exists" ? disk.syncDirectory(done) : done(error),
  );
}

/** Of an unfinished format. Their names must be gone for good before the new ones are made. */
function removeLeftovers(disk: Disk, done: Done): void {
  disk.list((error, names) => {
    if (error !== null) return done(error);
    const ours = names.filter((name) => !isMarker(name) && isOurFile(name));
    if (ours.length === 0) return done(null);
    inOrder(
      [
        ...ours.map((name) => (next: Done) => disk.remove(name, next)),
        (next: Done) => disk.syncDirectory(next),
      ],
      done,
    );
  });
}

/** The empty one of the first configuration. */
function makeJournal({ disk, storage, checksum }: FormatOptions, dataId: string, done: Done): void {
  if (storage === undefined || storage === null)
    createJournal({ disk, checksum, identity: dataId }, done);
  else storage.beginJournal({ dataId, configuration: 1 }, done);
}

/** Lives that a directory of unknown past leaves to those that may have been before it. */
const INCARNATION_LEAP = 0x4000_0000;

function newIdentity(options: FormatOptions): Identity {
  const { cluster, node, random, registeredPeers } = options;
  return {
    cluster,
    node,
    dataId: options.dataId ?? newDataId(random),
    formatted: options.formatted ?? true,
    // A directory that takes the place of a lost one must not use the node sessions of that one
    // again: they hold answers to other requests. Those whose data ids are told beforehand are the
    // first of their name.
    incarnation: registeredPeers === undefined ? random.next() % INCARNATION_LEAP : 0,
    boot: 0,
    starts: [],
    met: 0,
    registered: registeredPeers !== undefined,
    peers: [...(registeredPeers ?? [])].sort((a, b) => a.node - b.node),
    protocol: "",
    tenure: null,
  };
}

/** 128 random bits as 32 hex digits: a data id, or a cluster id. */
export function newDataId(random: Random): string {
  let id = "";
  for (let word = 0; word < 4; word += 1) id += (random.next() >>> 0).toString(16).padStart(8, "0");
  return id;
}
