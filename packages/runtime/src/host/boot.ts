import type {
  Capabilities,
  Machine,
  MachineRestore,
  NodeId,
  PortError,
  Ports,
  Position,
} from "@synod/core";
import type { Configuration, Tenure } from "../configuration.ts";
import { Execution } from "../execution.ts";
import type { Guard } from "../guard.ts";
import type { Checksum, HostProblem, HostTuning } from "../host-options.ts";
import { type FoundIdentity, readIdentity, writeIdentity } from "../identity.ts";
import type { Identity } from "../identity-codec.ts";
import { formatDirectory } from "../identity-format.ts";
import { inOrder } from "../journal/in-order.ts";
import { Journal } from "../journal/journal.ts";
import { beginJournal, journalDisk, removeJournals } from "../journal/of-configuration.ts";
import { type LoadOutcome, SnapshotStore } from "../snapshots/store.ts";
import { nextStart } from "../starts.ts";
import { enterConfiguration } from "./peers.ts";

type Found = Extract<FoundIdentity, { kind: "found" }>;

export interface BootOptions {
  /** Guarded: no callback comes after the host has stopped, and what one throws stops the host. */
  readonly ports: Ports;
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
}

/** What a data directory gives a starting host; the journal is not read yet. */
export interface Booted {
  /** With the incarnation of this start, and the configuration in force; durable. */
  identity: Identity;
  readonly tenure: Tenure;
  /** Null without a state machine. */
  readonly execution: Execution | null;
  /** Of the configuration in force. */
  journal: Journal;
  readonly snapshots: SnapshotStore;
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
  const { ports, checksum, configuration, self: node } = options;
  const { cluster } = configuration;
  const { disk, random } = ports;
  readIdentity(disk, checksum, (error, found) => {
    if (error !== null) return done(diskProblem("identity", error), null);
    if (found.kind === "found") return checkIdentity(options, found, done);
    if (found.kind === "damaged") return done(DAMAGED, null);
    if (found.kind === "unfinished") return done(UNFINISHED, null);
    const blank = { disk, checksum, random, cluster, node, formatted: false };
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
  const { ports, machine, tuning, checksum, order, guard } = options;
  const { disk, clock } = ports;
  const execution = machine === null ? null : new Execution(machine, tuning, order);
  const snapshots = new SnapshotStore({
    disk,
    clock,
    checksum,
    guard,
    chunkBytes: tuning.chunkBytes,
  });
  const restore = (): MachineRestore => execution?.restore() ?? NO_MACHINE;
  snapshots.open(restore, (outcome) => {
    if (outcome.kind === "failed") return done(diskProblem("snapshot", outcome.error), null);
    const tenure = outcome.kind === "loaded" ? outcome.manifest.tenure : null;
    const found = { identity, execution, snapshots, ...heldBy(outcome) };
    enterNewest(options, identity, tenure, (failed, entered) => {
      if (failed !== null) return done(diskProblem("configuration", failed), null);
      openConfiguration(options, { ...found, identity: entered }, journals, done);
    });
  });
}

/**
 * A crash came between a state of a later configuration and the identity that names it: nothing was
 * said in that configuration, and everything goes on from there.
 */
function enterNewest(
  options: BootOptions,
  identity: Identity,
  newest: Tenure | null,
  done: (error: PortError | null, identity: Identity) => void,
): void {
  const { ports, checksum } = options;
  const before = identity.tenure?.configuration ?? options.configuration;
  if (newest === null || newest.configuration.number <= before.number) return done(null, identity);
  const entered = enterConfiguration(identity, newest, []);
  const journal = { disk: ports.disk, checksum, identity: identity.dataId };
  inOrder(
    [
      (next) => beginJournal(journal, newest.configuration.number, next),
      (next) => writeIdentity(ports.disk, checksum, entered, next),
    ],
    (error) => done(error, entered),
  );
}

/** Its journal; what others there are is of no use any more, or was never used. */
function openConfiguration(
  options: BootOptions,
  found: Omit<Booted, "tenure" | "journal">,
  journals: readonly number[],
  done: BootDone,
): void {
  const { ports } = options;
  const { identity, snapshot, execution } = found;
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
    journal: openJournal(options, number, identity.dataId),
    lostUpTo: lost > 0 ? { log: 0, index: lost } : null,
  };
  if (journals.every((other) => other === number)) return done(null, booted);
  removeJournals(
    ports.disk,
    (other) => other !== number,
    (error) =>
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

/** The journal of a configuration; to be recovered. */
export function openJournal(
  options: Pick<BootOptions, "ports" | "checksum" | "tuning">,
  configuration: number,
  dataId: string,
): Journal {
  const { ports, checksum, tuning } = options;
  return new Journal({
    disk: journalDisk(ports.disk, configuration),
    identity: dataId,
    segmentBytes: tuning.segmentBytes,
    checksum,
    defer: ports.clock.defer,
    preallocate: true,
  });
}

function diskProblem(what: string, error: PortError): HostProblem {
  return { code: "disk", message: `${what}: ${error.message}` };
}
