import { crc32, type NodeId, type Position, Reader, Writer } from "@synod/core";
import { Scheduler } from "@synod/simulator";
import type { Execution } from "../../execution.ts";
import { SpareTime } from "../../spare-time.ts";
import type { Manifest } from "../manifest.ts";
import type { SnapshotStore } from "../store.ts";
import { StateTransfer } from "../transfer.ts";
import {
  decodeTransferMessage,
  encodeTransferMessage,
  type TransferMessage,
} from "../transfer-messages.ts";
import { executeUpTo, newExecution, open, write } from "./replica.ts";
import { type Life, World } from "./world.ts";

/** What the network does to a message: deliver it (perhaps another one, perhaps twice), or not. */
export type Mischief = (message: TransferMessage, from: NodeId, to: NodeId) => TransferMessage[];

/** As a host does: a fetched snapshot is loaded, and reported. */
export class TransferMember {
  readonly node: NodeId;
  readonly world: World;
  readonly #members: Members;
  #life: Life;
  store: SnapshotStore;
  execution: Execution;
  transfer: StateTransfer;
  installed: Manifest[] = [];
  failures: string[] = [];
  snapshotsWanted = 0;

  constructor(members: Members, node: NodeId) {
    this.#members = members;
    this.node = node;
    this.world = new World(node + 1, members.scheduler);
    this.#life = this.world.boot();
    this.store = this.world.store(this.#life, members.chunkBytes);
    this.execution = newExecution();
    this.transfer = this.#begin();
    this.#open();
  }

  /** After a crash. */
  restart(): void {
    this.transfer.stop();
    this.#life = this.world.boot();
    this.store = this.world.store(this.#life, this.#members.chunkBytes);
    this.transfer = this.#begin();
    this.#open();
  }

  /** Executes the log up to `index` and writes a snapshot. */
  snapshotAt(index: number): void {
    executeUpTo(this.execution, index);
    let done = false;
    write(this.store, this.execution, () => {
      done = true;
    });
    this.world.run(() => done);
  }

  #open(): void {
    this.execution = open(this.store, (until) => this.world.run(until)).execution;
  }

  #begin(): StateTransfer {
    return new StateTransfer({
      self: this.node,
      store: this.store,
      checksum: crc32,
      clock: this.#life.clock,
      random: this.#life.random,
      guard: (callback) => callback,
      spare: new SpareTime(this.#life.clock),
      send: (to, message) => this.#members.send(this.node, to, message),
      have: () => this.execution.executedUpTo,
      onInstalled: (manifest) => this.#load(manifest),
      onSnapshotWanted: () => {
        this.snapshotsWanted += 1;
      },
      onFailed: (error) => this.failures.push(error.code),
    });
  }

  #load(manifest: Manifest): void {
    this.installed.push(manifest);
    this.store.load(manifest, this.execution.restore(), (problem) => {
      if (problem !== null) this.failures.push(problem.code);
    });
  }
}

/** Members and a network between them that does what a test likes. */
export class Members {
  readonly scheduler = new Scheduler();
  readonly chunkBytes: number;
  readonly all: TransferMember[];
  latencyMs = 0.5;
  mischief: Mischief = (message) => [message];
  /** Chunks that each member has sent. */
  readonly chunksSent = new Map<NodeId, number>();

  constructor(count: number, chunkBytes = 150) {
    this.chunkBytes = chunkBytes;
    this.all = [];
    for (let node = 0; node < count; node += 1) this.all.push(new TransferMember(this, node));
  }

  send(from: NodeId, to: NodeId, message: TransferMessage): void {
    if (message.kind === "chunk") this.chunksSent.set(from, (this.chunksSent.get(from) ?? 0) + 1);
    for (const one of this.mischief(message, from, to)) {
      const writer = new Writer();
      encodeTransferMessage(writer, one);
      const bytes = writer.take();
      this.scheduler.after(this.latencyMs, 0, "frame", () => {
        const target = this.all[to];
        const decoded = decodeTransferMessage(new Reader(bytes));
        if (target === undefined || decoded === null) throw new Error(`no message: ${one.kind}`);
        if (!target.world.crashed) target.transfer.onMessage(from, decoded);
        bytes.fill(0xee);
      });
    }
  }

  /** Lets `ms` of virtual time pass, or less if `until` holds before. */
  pass(ms: number, until: () => boolean = () => false): void {
    let over = false;
    this.scheduler.after(ms, 0, "world", () => {
      over = true;
    });
    while (!over && !until() && this.scheduler.step());
  }
}

export function at(index: number): Position {
  return { log: 0, index };
}
