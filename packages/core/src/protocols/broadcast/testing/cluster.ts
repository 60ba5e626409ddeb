import {
  type Command,
  createPrng,
  type Effect,
  type Input,
  invariant,
  type JournalRecord,
  majority,
  type NodeId,
  nextFraction,
  type QuorumSystem,
  Reader,
  type RequestState,
  type Slot,
  Writer,
} from "@synod/core";
import { EffectQueue } from "@synod/runtime";
import { commandOf } from "../../paxos/testing/model.ts";
import { formatMessage } from "../format.ts";
import { broadcast } from "../index.ts";
import {
  afterStep,
  createHistory,
  onDelivered,
  onDurable,
  onProposed,
  onSent,
} from "../invariants.ts";
import type { BroadcastMessage } from "../messages.ts";
import { decodeRecord } from "../records.ts";
import type { BroadcastState } from "../state.ts";

/**
 * A whole configuration in one thread: real replicas behind real effect queues, a virtual clock,
 * journals that lose what was not synced, and a network that does what the test asks. Invariants
 * are checked after every step; the first violation is thrown. Everything follows from the seed.
 */
export interface ClusterOptions {
  readonly size: number;
  readonly seed?: number;
  readonly tuning?: Readonly<Record<string, number>>;
  readonly quorums?: QuorumSystem;
  readonly roles?: readonly (readonly string[])[];
}

export interface TestNode {
  readonly id: NodeId;
  state: BroadcastState;
  queue: EffectQueue<BroadcastMessage>;
  /** Everything written since the last checkpoint, and how much of it survives a crash. */
  written: Written[];
  synced: number;
  syncing: boolean;
  /** Records that have rotted: a restart is told their names. */
  readonly rotten: Set<JournalRecord>;
  alive: boolean;
  /** False from the moment that its disk was lost. */
  voter: boolean;
  incarnation: number;
  snapshot: { upTo: Slot; delivered: readonly string[] };
  deliveredUpTo: Slot;
  /** Messages in the order of their first delivery, as `client#sequence`. */
  delivered: string[];
  readonly released: string[];
  /** Position by read id. */
  readonly readable: Map<number, number>;
  readonly stateRequests: RequestState[];
  readonly observed: string[];
  timers: Map<string, number>;
}

type Written = {
  readonly kind: "record" | "checkpoint";
  readonly records: readonly JournalRecord[];
};

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export type Cluster = ReturnType<typeof createCluster>;

export function createCluster(options: ClusterOptions) {
  const members = Array.from({ length: options.size }, (_, id) => id);
  const roles = options.roles ?? [];
  const acceptors = members.filter((id) => roles[id]?.includes("acceptor") !== false);
  const quorums = options.quorums ?? majority(acceptors);
  const history = createHistory(quorums);
  const random = createPrng(options.seed ?? 1);
  const trace: string[] = [];
  const counts = new Map<string, number>();
  const faults = { loss: 0, duplicate: 0, delayMs: 1, syncMs: 0.1 };
  const control = {
    /** False drops the message. */
    passes: (_from: NodeId, _to: NodeId, _message: BroadcastMessage): boolean => true,
  };
  let events: Event[] = [];
  let now = 0;
  let order = 0;

  function at(ms: number, run: () => void): void {
    order += 1;
    const event = { at: now + ms, order, run };
    let index = events.length;
    while (index > 0 && (events[index - 1] as Event).at > event.at) index -= 1;
    events.splice(index, 0, event);
  }

  function fail(problem: string | null): void {
    if (problem !== null) throw new Error(`at ${now.toFixed(1)} ms: ${problem}`);
  }

  const nodes = members.map(
    (id): TestNode => ({
      id,
      state: undefined as unknown as BroadcastState,
      queue: undefined as unknown as EffectQueue<BroadcastMessage>,
      written: [],
      synced: 0,
      syncing: false,
      rotten: new Set(),
      alive: false,
      voter: true,
      incarnation: 0,
      snapshot: { upTo: 0, delivered: [] },
      deliveredUpTo: 0,
      delivered: [],
      released: [],
      readable: new Map(),
      stateRequests: [],
      observed: [],
      timers: new Map(),
    }),
  );
  const node = (id: NodeId): TestNode => nodes[id] as TestNode;

  function transmit(from: NodeId, to: NodeId, message: BroadcastMessage): void {
    const kind = message.kind === "decree" ? message.message.kind : message.kind;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const lost = !control.passes(from, to, message) || nextFraction(random) < faults.loss;
    trace.push(`  ${from} ${lost ? "-x" : "->"} ${to} ${formatMessage(message)}`);
    if (lost) return;
    const writer = new Writer();
    broadcast.messages.encode(writer, message);
    const bytes = writer.take();
    const copies = nextFraction(random) < faults.duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1)
      at(1 + nextFraction(random) * (faults.delayMs - 1), () => {
        const decoded = broadcast.messages.decode(new Reader(bytes.slice()));
        invariant(decoded !== null, `${message.kind} does not survive its codec`);
        if (node(to).alive) input(to, { kind: "message", from, message: decoded });
      });
  }

  function ifCurrent(owner: TestNode, run: () => void): () => void {
    const { incarnation } = owner;
    return () => {
      if (owner.alive && owner.incarnation === incarnation) run();
    };
  }

  function write(owner: TestNode, written: Written, kind: string): void {
    owner.written.push(written);
    trace.push(`  ${owner.id} writes ${kind}`);
    if (owner.syncing) return;
    owner.syncing = true;
    at(
      faults.syncMs,
      ifCurrent(owner, () => sync(owner)),
    );
  }

  function handlerOf(
    owner: TestNode,
  ): ConstructorParameters<typeof EffectQueue<BroadcastMessage>>[1] {
    const { id } = owner;
    return {
      append: (record) =>
        write(
          owner,
          { kind: "record", records: [record] },
          decodeRecord(record.record)?.kind ?? "?",
        ),
      checkpoint: ({ records }) =>
        write(owner, { kind: "checkpoint", records }, `checkpoint of ${records.length}`),
      transmit: (to, message) => {
        fail(onSent(history, id, message));
        for (const target of to) transmit(id, target, message);
      },
      loopback: (message) =>
        at(
          0,
          ifCurrent(owner, () => input(id, { kind: "message", from: id, message })),
        ),
      deliver: ({ position, commands }) => deliver(owner, position.index, commands),
      release: ({ requests, outcome }) => {
        const names = requests === "all" ? ["all"] : requests.map(nameOf);
        owner.released.push(...names.map((name) => `${name} ${outcome}`));
        trace.push(`  ${id} releases ${names.join(" ")} ${outcome}`);
      },
      readable: ({ reads, position }) => {
        for (const read of reads) owner.readable.set(read, position.index);
        trace.push(`  ${id} may read ${reads.join(",")} at ${position.index}`);
      },
      requestState: (effect) => {
        owner.stateRequests.push(effect);
        trace.push(`  ${id} requests state ${effect.position.index}`);
        at(
          20,
          ifCurrent(owner, () => transfer(owner, effect)),
        );
      },
      timer: ({ name, ms }) => setTimer(owner, name, ms),
      observe: ({ event }) => {
        owner.observed.push(event);
        trace.push(`  ${id} observes ${event}`);
      },
    };
  }

  function setTimer(owner: TestNode, name: string, ms: number | null): void {
    order += 1;
    const due = order;
    owner.timers.delete(name);
    if (ms === null) return;
    owner.timers.set(name, due);
    const fire = ifCurrent(owner, () => {
      if (owner.timers.get(name) !== due) return;
      owner.timers.delete(name);
      input(owner.id, { kind: "timeout", name });
    });
    at(ms, fire);
  }

  function deliver(owner: TestNode, slot: Slot, commands: readonly Command[]): void {
    fail(onDelivered(history, owner.id, slot, commands));
    owner.deliveredUpTo = slot;
    const names = commands.map(nameOf);
    trace.push(`  ${owner.id} delivers ${slot}: ${names.join(" ") || "-"}`);
    for (const name of names) if (!owner.delivered.includes(name)) owner.delivered.push(name);
  }

  function sync(owner: TestNode): void {
    const { appended } = owner.queue;
    harden(owner, owner.written.length);
    owner.syncing = false;
    owner.queue.durable(appended);
  }

  /** The first `count` of what was written are safe now. */
  function harden(owner: TestNode, count: number): void {
    for (const { records } of owner.written.slice(owner.synced, count))
      for (const { record } of records) {
        const decoded = decodeRecord(record);
        invariant(decoded !== null, "a record does not survive its codec");
        if (owner.state.voter) fail(onDurable(history, owner.id, decoded));
      }
    const last = owner.written.slice(0, count).findLastIndex(({ kind }) => kind === "checkpoint");
    const first = Math.max(0, last);
    owner.written = owner.written.slice(first);
    owner.synced = count - first;
  }

  function transfer(owner: TestNode, request: RequestState): void {
    for (const from of request.from) {
      const { alive, snapshot } = node(from);
      if (!alive || snapshot.upTo < request.position.index) continue;
      if (snapshot.upTo <= owner.deliveredUpTo) return;
      owner.snapshot = snapshot;
      owner.deliveredUpTo = snapshot.upTo;
      owner.delivered = [...snapshot.delivered];
      history.cursors.set(owner.id, snapshot.upTo);
      const position = { log: 0, index: snapshot.upTo };
      return input(owner.id, { kind: "installed", position, image: new Uint8Array(0) });
    }
  }

  function input(id: NodeId, what: Input<BroadcastMessage>): void {
    const owner = node(id);
    trace.push(`${now.toFixed(1)} ${id} ${formatInput(what)}`);
    if (what.kind === "propose") for (const command of what.commands) onProposed(history, command);
    if (what.kind === "stop") onProposed(history, what.command);
    const effects: Effect<BroadcastMessage>[] = broadcast.step(owner.state, what, now);
    owner.queue.submit(effects);
    fail(afterStep(history, owner.state));
  }

  function start(id: NodeId): void {
    const owner = node(id);
    invariant(!owner.alive, "starts a running node");
    owner.alive = true;
    owner.incarnation += 1;
    owner.deliveredUpTo = owner.snapshot.upTo;
    owner.delivered = [...owner.snapshot.delivered];
    owner.timers = new Map();
    history.cursors.set(id, owner.snapshot.upTo);
    const seed = id + 100 * owner.incarnation + 10_000 * (options.seed ?? 1);
    const tuning = options.tuning ?? {};
    owner.state = broadcast.create({ self: id, members, quorums, seed, roles, tuning });
    owner.queue = new EffectQueue(id, handlerOf(owner));
    const all = owner.written.flatMap(({ records }) => records);
    const records = all.filter((record) => !owner.rotten.has(record));
    if (records.length > 0) input(id, { kind: "recover", records });
    input(id, {
      kind: "start",
      missing: all.filter((record) => owner.rotten.has(record)).map(({ about }) => about),
      delivered: { log: 0, index: owner.snapshot.upTo },
      image: new Uint8Array(0),
      incarnation: owner.incarnation,
      voter: owner.voter,
    });
  }

  /** Keeps what was synced and, of the rest, some more. */
  function crash(id: NodeId, more = 0): void {
    const owner = node(id);
    trace.push(`${now.toFixed(1)} ${id} crashes`);
    owner.alive = false;
    owner.syncing = false;
    harden(owner, Math.min(owner.written.length, owner.synced + more));
    owner.written = owner.written.slice(0, owner.synced);
  }

  /** Runs until `done`, at most `ms`; says whether it was reached. */
  function runUntil(done: () => boolean, ms: number): boolean {
    const until = now + ms;
    while (!done()) {
      const [next] = events;
      if (next === undefined || next.at > until) {
        now = until;
        return false;
      }
      events = events.slice(1);
      now = next.at;
      next.run();
    }
    return true;
  }

  return {
    nodes,
    node,
    members,
    history,
    random,
    trace,
    counts,
    faults,
    control,
    now: () => now,
    input,
    start,
    crash,
    startAll: () => {
      for (const id of members) if (!node(id).alive) start(id);
    },
    /** Loses the disk: it comes back blank and without a vote. */
    wipe: (id: NodeId) => {
      crash(id);
      const snapshot = { upTo: 0, delivered: [] };
      Object.assign(node(id), { written: [], synced: 0, voter: false, snapshot });
    },
    /** Damages a record of a node that is down, for good. */
    rot: (id: NodeId, record: JournalRecord) => node(id).rotten.add(record),
    records: (id: NodeId) => node(id).written.flatMap(({ records }) => records),
    /** Takes a snapshot of everything delivered here, durably, and says so to the replica. */
    compact: (id: NodeId) => {
      const { deliveredUpTo: upTo, delivered } = node(id);
      node(id).snapshot = { upTo, delivered: [...delivered] };
      input(id, { kind: "compact", position: { log: 0, index: upTo } });
    },
    /** Broadcasts messages like `a#1` from a node. */
    propose: (id: NodeId, ...names: string[]) =>
      input(id, { kind: "propose", commands: names.map(commandOf) }),
    read: (id: NodeId, read: number) => input(id, { kind: "read", reads: [read] }),
    run: (ms: number) => void runUntil(() => false, ms),
    runUntil,
    /** Cuts every link between the groups. Nodes in no group are alone. */
    partition: (...groups: NodeId[][]) => {
      control.passes = (from, to) => groups.some((g) => g.includes(from) && g.includes(to));
    },
    heal: () => {
      control.passes = () => true;
    },
    /** What all living nodes have delivered; null unless it is the same. */
    order: (): string | null => {
      const orders = nodes.filter(({ alive }) => alive).map(({ delivered }) => delivered.join(" "));
      return new Set(orders).size === 1 ? (orders[0] ?? null) : null;
    },
  };
}

export function nameOf({ client, sequence }: { client: string; sequence: number }): string {
  return `${client}#${sequence}`;
}

function formatInput(what: Input<BroadcastMessage>): string {
  switch (what.kind) {
    case "message":
      return `<- ${what.from} ${formatMessage(what.message)}`;
    case "timeout":
      return `timeout ${what.name}`;
    case "propose":
      return `propose ${what.commands.map(nameOf).join(" ")}`;
    default:
      return what.kind;
  }
}
