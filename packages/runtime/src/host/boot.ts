import type {
  Capabilities,
  Done,
  Machine,
  MachineRestore,
  NodeId,
  PortError,
  Ports,
  Position,
} from "@synod/core";
import type { Checksum } from "../checksum.ts";
import type { Configuration, Tenure } from "../configuration.ts";
import { Execution } from "../execution.ts";
import type { Guard } from "../guard.ts";
import type { HostProblem, HostTuning } from "../host-options.ts";
import { type FoundIdentity, readIdentity, writeIdentity } from "../identity.ts";
import type { Identity } from "../identity-codec.ts";
import { formatDirectory } from "../identity-format.ts";
import { inOrder } from "../journal/in-order.ts";
import type { JournalStore } from "../journal/journal-store.ts";
import type { LoadOutcome, SnapshotStorage } from "../snapshots/snapshot-storage.ts";
import type { SpareTime } from "../spare-time.ts";
import { nextStart } from "../starts.ts";
import { createFileStorage } from "../storage/file-storage.ts";
import { guardedStorage } from "../storage/guarded-storage.ts";
import type { JournalName, ReplicaStorage } from "../storage/replica-storage.ts";
import { enterConfiguration } from "./peers.ts";

type Found = Extract<FoundIdentity, { kind: "found" }>;

export interface BootOptions {
  /** Guarded: no callback comes after the host has stopped, and what one throws stops the host. */
  readonly ports: Ports;
  /** Null: files on the disk. Not guarded. */
  readonly storage: ReplicaStorage | null;
  /** The first one. */
  readonly configuration: Configuration;
  readonly self: NodeId;
  readonly machine: Machine | null;
  readonly tuning: HostTuning;
  readonly checksum: Checksum;
  /** Its name. */
  readonly protocol: string;
  readonly order: Capabilities["order"];
  readonly guard: Guard;
  readonly spare: SpareTime;
}

/** What a data directory gives a starting host; the journal is not read yet. */
export interface Booted {
  /** With the incarnation of this start, and the configuration in force; durable. */
  identity: Identity;
  readonly tenure: Tenure;
  /** Null without a state machine. */
  readonly execution: Execution | null;
  /** Guarded. */
  readonly storage: ReplicaStorage;
  /** Of the configuration in force. */
  journal: JournalStore;
  readonly snapshots: SnapshotStorage;
  /** What `execution` holds. */
  readonly snapshot: { readonly position: Position; readonly image: Uint8Array };
  /**
   * There was a snapshot through here, and it is damaged, or there never was one from which the
   * configuration in force could go on: the state has to come from others first.
   */
  readonly lostUpTo: Position | null;
}

type BootDone = (problem: HostProblem | null, booted: Booted | null) => void;

/** Locks the directory, raises the incarnation, loads the newest snapshot. */
export function boot(options: BootOptions, done: BootDone): void {
  const { disk } = options.ports;
  disk.lock((error) => {
    if (error === null) return findIdentity(options, done);
    const code = error.code === "locked" ? "locked" : "disk";
    done({ code, message: error.message }, null);
  });
}

/** A blank directory gets an identity that never votes: only `format` makes a voter. */
function findIdentity(options: BootOptions, done: BootDone): void {
  const { ports, storage, checksum, configuration, self: node } = options;
  const { cluster } = configuration;
  const { disk, random } = ports;
  readIdentity(disk, checksum, (error, found) => {
    if (error !== null) return done(diskProblem("identity", error), null);
    if (found.kind === "found") return checkIdentity(options, found, done);
    if (found.kind === "damaged") return done(DAMAGED, null);
    if (found.kind === "unfinished") return done(UNFINISHED, null);
    const blank = { disk, storage, checksum, random, cluster, node, formatted: false };
    formatDirectory(blank, (failed, identity) => {
      if (identity === null) return done(diskProblem("identity", failed as PortError), null);
      raiseIncarnation(options, identity, [], done);
    });
  });
}

const DAMAGED: HostProblem = Object.freeze({
  code: "damaged",
  message:
    "both copies of the identity are damaged or missing, so this node cannot know what it " +
    "promised; move the data directory away: the node then comes back as a non-voter and " +
    "catches up",
});

const UNFINISHED: HostProblem = Object.freeze({
  code: "damaged",
  message: "a format of this data directory was interrupted: format it again",
});

function checkIdentity(options: BootOptions, found: Found, done: BootDone): void {
  const { self, protocol } = options;
  const { cluster } = options.configuration;
  const { identity, journals } = found;
  if (identity.cluster !== cluster) {
    const message = `the data directory belongs to cluster ${identity.cluster}, not ${cluster}`;
    return done({ code: "foreign", message }, null);
  }
  if (identity.node !== self) {
    const message = `the data directory belongs to node ${identity.node}, not node ${self}`;
    return done({ code: "foreign", message }, null);
  }
  if (identity.protocol !== "" && identity.protocol !== protocol) {
    const message = `the data directory holds the log of ${identity.protocol}, not of ${protocol}`;
    return done({ code: "foreign", message }, null);
  }
  raiseIncarnation(options, identity, journals, done);
}

/**
 * Durable before the protocol exists: whatever it says in this life can be told from earlier lives,
 * and no other protocol ever reads what it wrote.
 */
function raiseIncarnation(
  options: BootOptions,
  before: Identity,
  journals: readonly number[],
  done: BootDone,
): void {
  const { ports, checksum, protocol } = options;
  const boot = Math.max(1, ports.random.next());
  const identity = { ...nextStart(before, boot), protocol };
  writeIdentity(ports.disk, checksum, identity, (error) => {
    if (error !== null) return done(diskProblem("identity", error), null);
    loadState(options, identity, journals, done);
  });
}

/** The newest whole snapshot, if there is one. */
function loadState(
  options: BootOptions,
  identity: Identity,
  journals: readonly number[],
  done: BootDone,
): void {
  const { machine, tuning, order } = options;
  const execution = machine === null ? null : new Execution(machine, tuning, order);
  const storage = storageOf(options, journals);
  const snapshots = storage.snapshots(tuning.chunkBytes);
  const restore = (): MachineRestore => execution?.restore() ?? NO_MACHINE;
  snapshots.open(restore, (outcome) => {
    if (outcome.kind === "failed") return done(diskProblem("snapshot", outcome.error), null);
    const tenure = outcome.kind === "loaded" ? outcome.manifest.tenure : null;
    const found = { identity, execution, storage, snapshots, ...heldBy(outcome) };
    enterNewest(options, found, tenure, (failed, entered) => {
      if (failed !== null) return done(diskProblem("configuration", failed), null);
      openConfiguration(options, { ...found, identity: entered }, done);
    });
  });
}

/** The user's own, or files on the disk, where segments of these journals were found. */
function storageOf(options: BootOptions, journals: readonly number[]): ReplicaStorage {
  const { ports, storage, checksum, guard, spare, tuning } = options;
  const { disk, clock } = ports;
  const { segmentBytes } = tuning;
  return guardedStorage(
    storage ?? createFileStorage({ disk, clock, checksum, guard, spare, segmentBytes, journals }),
    guard,
  );
}

/**
 * A crash came between a state of a later configuration and the identity that names it: everything
 * goes on from there, with the journal of that configuration if this node has been in it already.
 */
function enterNewest(
  options: BootOptions,
  { identity, storage }: Pick<Booted, "identity" | "storage">,
  newest: Tenure | null,
  done: (error: PortError | null, identity: Identity) => void,
): void {
  const { ports, checksum } = options;
  const before = identity.tenure?.configuration ?? options.configuration;
  if (newest === null || newest.configuration.number <= before.number) return done(null, identity);
  const entered = enterConfiguration(identity, newest, []);
  const journal = { dataId: identity.dataId, configuration: newest.configuration.number };
  inOrder(
    [
      (next) => keepJournal(storage, journal, next),
      (next) => writeIdentity(ports.disk, checksum, entered, next),
    ],
    (error) => done(error, entered),
  );
}

/**
 * The journal of a configuration that this node enters: begun, unless it has been in it before, and
 * may have voted.
 */
export function keepJournal(storage: ReplicaStorage, name: JournalName, done: Done): void {
  if (storage.journals.includes(name.configuration)) done(null);
  else storage.beginJournal(name, done);
}

/**
 * Its journal. Earlier ones are of no use any more; a later one is of a configuration that this
 * node was in before the state with which it began was durable here: it will come to it again.
 */
function openConfiguration(
  options: BootOptions,
  found: Omit<Booted, "tenure" | "journal">,
  done: BootDone,
): void {
  const { identity, snapshot, execution, storage } = found;
  const tenure = identity.tenure ?? {
    configuration: options.configuration,
    began: NO_STATE.position,
  };
  const { number } = tenure.configuration;
  const isBehind = execution !== null && snapshot.position.index < tenure.began.index;
  const lost = Math.max(found.lostUpTo?.index ?? 0, isBehind ? tenure.began.index : 0);
  const booted: Booted = {
    ...found,
    tenure,
    journal: storage.openJournal({ dataId: identity.dataId, configuration: number }),
    lostUpTo: lost > 0 ? { log: 0, index: lost } : null,
  };
  const earlier = storage.journals.filter((other) => other < number);
  if (earlier.length === 0) return done(null, booted);
  storage.removeJournals(earlier, (error) =>
    done(error === null ? null : diskProblem("journal", error), error === null ? booted : null),
  );
}

const NO_MACHINE: MachineRestore = Object.freeze({ add: () => true, finish: () => true });

const NO_STATE = Object.freeze({ position: { log: 0, index: 0 }, image: new Uint8Array(0) });

function heldBy(
  outcome: Exclude<LoadOutcome, { kind: "failed" }>,
): Pick<Booted, "snapshot" | "lostUpTo"> {
  switch (outcome.kind) {
    case "loaded": {
      const { position, image } = outcome.manifest;
      return { snapshot: { position, image }, lostUpTo: null };
    }
    case "none":
      return { snapshot: NO_STATE, lostUpTo: null };
    case "lost":
      return { snapshot: NO_STATE, lostUpTo: { log: 0, index: Math.max(...outcome.damaged) } };
  }
}

function diskProblem(what: string, error: PortError): HostProblem {
  return { code: "disk", message: `${what}: ${error.message}` };
}
