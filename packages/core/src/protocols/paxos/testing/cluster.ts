import {
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
  Writer,
} from "@synod/core";
import { EffectQueue } from "@synod/runtime";
import { formatMessage } from "../format.ts";
import { paxos } from "../index.ts";
import { afterStep, createHistory, onDurable, onSent } from "../invariants.ts";
import type { PaxosMessage } from "../messages.ts";
import { decodeRecord } from "../records.ts";
import type { PaxosState } from "../state.ts";
import { commandOf } from "./model.ts";

/**
 * A whole configuration of one decree in one thread: real replicas behind real effect queues, a
 * virtual clock, journals that lose what was not synced, and a network that does what the test
 * asks. Invariants are checked after every step; the first violation is thrown. Everything follows
 * from the seed.
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
  state: PaxosState;
  queue: EffectQueue<PaxosMessage>;
  /** Everything written, of which the first `synced` survive a crash. */
  written: JournalRecord[];
  synced: number;
  syncing: boolean;
  alive: boolean;
  /** False from the moment that its disk was lost. */
  voter: boolean;
  incarnation: number;
  /** The chosen commands, as `client#sequence`; null: nothing was delivered yet. */
  delivered: string | null;
  readonly released: string[];
  /** Position by read id. */
  readonly readable: Map<number, number>;
  timers: Map<string, number>;
}

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
  const counts = new Map<PaxosMessage["kind"], number>();
  const faults = { loss: 0, duplicate: 0, delayMs: 1, syncMs: 0.1 };
  const control = {
    /** False drops the message. */
    passes: (_from: NodeId, _to: NodeId, _message: PaxosMessage): boolean => true,
  };
  let events: Event[] = [];
  let now = 0;
  let order = 0;

  function at(ms: number, run: () => void): void {
    order += 1;
    events.push({ at: now + ms, order, run });
    events.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  function fail(problem: string | null): void {
    if (problem !== null) throw new Error(`at ${now.toFixed(1)} ms: ${problem}`);
  }

  const nodes = members.map(
    (id): TestNode => ({
      id,
      state: undefined as unknown as PaxosState,
      queue: undefined as unknown as EffectQueue<PaxosMessage>,
      written: [],
      synced: 0,
      syncing: false,
      alive: false,
      voter: true,
      incarnation: 0,
      delivered: null,
      released: [],
      readable: new Map(),
      timers: new Map(),
    }),
  );
  const node = (id: NodeId): TestNode => nodes[id] as TestNode;

  function transmit(from: NodeId, to: NodeId, message: PaxosMessage): void {
    counts.set(message.kind, (counts.get(message.kind) ?? 0) + 1);
    const lost = !control.passes(from, to, message) || nextFraction(random) < faults.loss;
    trace.push(`  ${from} ${lost ? "-x" : "->"} ${to} ${formatMessage(message)}`);
    if (lost) return;
    const writer = new Writer();
    paxos.messages.encode(writer, message);
    const bytes = writer.take();
    const copies = nextFraction(random) < faults.duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1)
      at(1 + nextFraction(random) * (faults.delayMs - 1), () => {
        const decoded = paxos.messages.decode(new Reader(bytes.slice()));
        invariant(decoded !== null, `${message.kind} does not survive its codec`);
        if (node(to).alive) input(to, { kind: "message", from, message: decoded });
      });
  }

  function handlerOf(owner: TestNode): ConstructorParameters<typeof EffectQueue<PaxosMessage>>[1] {
    const { incarnation, id } = owner;
    const ifCurrent = (run: () => void) => () => {
      if (owner.alive && owner.incarnation === incarnation) run();
    };
    const write = (records: readonly JournalRecord[], kind: string): void => {
      owner.written.push(...records);
      trace.push(`  ${id} writes ${kind}`);
      if (owner.syncing) return;
      owner.syncing = true;
      at(
        faults.syncMs,
        ifCurrent(() => sync(owner)),
      );
    };
    return {
      append: (record) => write([record], decodeRecord(record.record)?.kind ?? "?"),
      checkpoint: ({ records }) => write(records, `checkpoint of ${records.length}`),
      transmit: (to, message) => {
        fail(onSent(history, id, message));
        for (const target of to) transmit(id, target, message);
      },
      loopback: (message) =>
        at(
          0,
          ifCurrent(() => input(id, { kind: "message", from: id, message })),
        ),
      deliver: ({ position, commands }) => {
        fail(owner.delivered === null && position.index === 1 ? null : "delivers again");
        owner.delivered = commands.map(({ client, sequence }) => `${client}#${sequence}`).join("+");
        trace.push(`  ${id} delivers ${owner.delivered}`);
      },
      release: ({ requests, outcome }) => {
        invariant(requests !== "all", "a decree names what it releases");
        for (const { client, sequence } of requests) {
          owner.released.push(`${client}#${sequence} ${outcome}`);
          trace.push(`  ${id} releases ${client}#${sequence} ${outcome}`);
        }
      },
      readable: ({ reads, position }) => {
        for (const read of reads) owner.readable.set(read, position.index);
        trace.push(`  ${id} may read ${reads.join(",")} at ${position.index}`);
      },
      requestState: () => fail("a decree needs no state from elsewhere"),
      timer: ({ name, ms }) => {
        order += 1;
        const due = order;
        owner.timers.delete(name);
        if (ms === null) return;
        owner.timers.set(name, due);
        at(
          ms,
          ifCurrent(() => {
            if (owner.timers.get(name) !== due) return;
            owner.timers.delete(name);
            input(id, { kind: "timeout", name });
          }),
        );
      },
      observe: ({ event }) => trace.push(`  ${id} observes ${event}`),
    };
  }

  function sync(owner: TestNode): void {
    const { appended } = owner.queue;
    for (const { record } of owner.written.slice(owner.synced)) {
      const decoded = decodeRecord(record);
      invariant(decoded !== null, "a record does not survive its codec");
      if (owner.voter) fail(onDurable(history, owner.id, decoded));
    }
    owner.synced = owner.written.length;
    owner.syncing = false;
    owner.queue.durable(appended);
  }

  function input(id: NodeId, what: Input<PaxosMessage>): void {
    const owner = node(id);
    trace.push(`${now.toFixed(1)} ${id} ${formatInput(what)}`);
    const effects: Effect<PaxosMessage>[] = paxos.step(owner.state, what, now);
    owner.queue.submit(effects);
    fail(afterStep(history, owner.state));
  }

  function start(id: NodeId): void {
    const owner = node(id);
    invariant(!owner.alive, "starts a running node");
    owner.alive = true;
    owner.incarnation += 1;
    owner.delivered = null;
    owner.timers = new Map();
    const seed = id + 100 * owner.incarnation;
    const tuning = options.tuning ?? {};
    owner.state = paxos.create({ self: id, members, quorums, seed, roles, tuning });
    owner.queue = new EffectQueue(id, handlerOf(owner));
    if (owner.written.length > 0) input(id, { kind: "recover", records: owner.written });
    input(id, {
      kind: "start",
      missing: [],
      delivered: { log: 0, index: 0 },
      image: new Uint8Array(0),
      incarnation: owner.incarnation,
      voter: owner.voter,
    });
  }

  function crash(id: NodeId): void {
    const owner = node(id);
    trace.push(`${now.toFixed(1)} ${id} crashes`);
    owner.alive = false;
    owner.syncing = false;
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
      Object.assign(node(id), { written: [], synced: 0, voter: false });
    },
    /** Asks for requests like `a#1`. */
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
    /** What all living learners have been given; null unless it is the same. */
    outcome: (): string | null => {
      const living = nodes.filter((one) => one.alive && isLearner(one.id, roles));
      const [first] = living;
      const known = first?.delivered ?? null;
      return living.every(({ delivered }) => delivered === known) ? known : null;
    },
  };
}

function isLearner(id: NodeId, roles: readonly (readonly string[])[]): boolean {
  return roles[id]?.includes("learner") !== false;
}

function formatInput(what: Input<PaxosMessage>): string {
  switch (what.kind) {
    case "message":
      return `<- ${what.from} ${formatMessage(what.message)}`;
    case "timeout":
      return `timeout ${what.name}`;
    case "propose":
      return `propose ${what.commands.map((c) => `${c.client}#${c.sequence}`).join(" ")}`;
    default:
      return what.kind;
  }
}
