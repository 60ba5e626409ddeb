import type {
  Capabilities,
  Machine,
  MachineRestore,
  NodeId,
  PortError,
  Ports,
  Position,
} from "@synod/core";
import { Execution } from "../execution.ts";
import type { Guard } from "../guard.ts";
import type { Checksum, HostProblem, HostTuning } from "../host-options.ts";
import { readIdentity, writeIdentity } from "../identity.ts";
import type { Identity } from "../identity-codec.ts";
import { formatDirectory } from "../identity-format.ts";
import { Journal } from "../journal/journal.ts";
import { type LoadOutcome, SnapshotStore } from "../snapshots/store.ts";
import { nextStart } from "../starts.ts";

export interface BootOptions {
  /** Guarded: no callback comes after the host has stopped, and what one throws stops the host. */
  readonly ports: Ports;
  readonly cluster: string;
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
  /** With the incarnation of this start, durable. */
  readonly identity: Identity;
  /** Null without a state machine. */
  readonly execution: Execution | null;
  readonly journal: Journal;
  readonly snapshots: SnapshotStore;
  /** What `execution` holds. */
  readonly snapshot: { readonly position: Position; readonly image: Uint8Array };
  /**
   * There was a snapshot through here, and it is damaged: the state has to come from others first.
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
  const { ports, checksum, cluster, self: node } = options;
  const { disk, random } = ports;
  readIdentity(disk, checksum, (error, found) => {
    if (error !== null) return done(diskProblem("identity", error), null);
    if (found.kind === "found") return checkIdentity(options, found.identity, done);
    if (found.kind === "damaged") return done(DAMAGED, null);
    if (found.kind === "unfinished") return done(UNFINISHED, null);
    const blank = { disk, checksum, random, cluster, node, formatted: false };
    formatDirectory(blank, (failed, identity) => {
      if (identity === null) return done(diskProblem("identity", failed as PortError), null);
      raiseIncarnation(options, identity, done);
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

function checkIdentity(options: BootOptions, identity: Identity, done: BootDone): void {
  const { cluster, self, protocol } = options;
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
  raiseIncarnation(options, identity, done);
}

/**
 * Durable before the protocol exists: whatever it says in this life can be told from earlier lives,
 * and no other protocol ever reads what it wrote.
 */
function raiseIncarnation(options: BootOptions, before: Identity, done: BootDone): void {
  const { ports, checksum, protocol } = options;
  const boot = Math.max(1, ports.random.next());
  const identity = { ...nextStart(before, boot), protocol };
  writeIdentity(ports.disk, checksum, identity, (error) => {
    if (error !== null) return done(diskProblem("identity", error), null);
    loadState(options, identity, done);
  });
}

/** The newest whole snapshot, if there is one. */
function loadState(options: BootOptions, identity: Identity, done: BootDone): void {
  const { ports, machine, tuning, checksum, order, guard } = options;
  const { disk, clock } = ports;
  const execution = machine === null ? null : new Execution(machine, tuning, order);
  const journal = new Journal({
    disk,
    identity: identity.dataId,
    segmentBytes: tuning.segmentBytes,
    checksum,
    defer: clock.defer,
    preallocate: true,
  });
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
    done(null, { identity, execution, journal, snapshots, ...heldBy(outcome) });
  });
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
