import {
  type Command,
  compareBallots,
  createPrng,
  type Effect,
  EMPTY_FOOTPRINT,
  hash64,
  type Input,
  invariant,
  majority,
  type NodeId,
  nextFraction,
  nextU32,
  type Position,
  type PrngState,
  type QuorumSystem,
  Reader,
  type Release,
  type RequestState,
  type Slot,
  Writer,
} from "@synod/core";
import { EffectQueue } from "@synod/runtime";
import { contents, createPlatter, losePower, type Platter, tidy } from "../../../testing/disk.ts";
import { formatMessage } from "../format.ts";
import { omnipaxos } from "../index.ts";
import {
  afterStep,
  createHistory,
  electionProblem,
  type OmniPaxosHistory,
  onDurable,
  onSent,
} from "../invariants.ts";
import type { OmniPaxosMessage } from "../messages.ts";
import { decodeRecord } from "../records.ts";
import type { OmniPaxosState } from "../state.ts";
import { formatInput } from "./format-input.ts";

/**
 * A whole configuration in one thread: real replicas behind real effect queues, a virtual clock,
 * journals that lose what was not synced, and a network that does what the test asks. Invariants
 * are checked after every step; the first violation is thrown. Everything follows from the seed.
 */
export interface ClusterOptions {
  readonly size: number;
  /** Their ids; 0, 1, … by default. */
  readonly members?: readonly NodeId[];
  readonly seed?: number;
  readonly tuning?: Readonly<Record<string, number>>;
  /** What single nodes have otherwise. */
  readonly ownTuning?: Readonly<Record<NodeId, Readonly<Record<string, number>>>>;
  readonly quorums?: QuorumSystem;
  readonly trace?: boolean;
  /** Where the trace goes, for runs that end in an exception. */
  readonly sink?: string[];
  /** Nodes that start without the right to vote. */
  readonly nonVoters?: readonly NodeId[];
  /** Led the configuration before, as its first start says. */
  readonly led?: NodeId;
}

export interface TestNode {
  readonly id: NodeId;
  state: OmniPaxosState;
  queue: EffectQueue<OmniPaxosMessage>;
  platter: Platter;
  alive: boolean;
  voter: boolean;
  incarnation: number;
  snapshot: Slot;
  executedUpTo: Slot;
  /** Requests in the order of their first execution, as `client#sequence`. */
  executed: string[];
  /** `executed` as the durable snapshot has it. */
  image: string[];
  timers: Map<string, number>;
  syncing: boolean;
  /** `readable` by read id. */
  readable: Map<number, Slot>;
  released: { readonly outcome: Outcome; readonly requests: string[] | "all" }[];
  stateRequests: RequestState[];
  observed: string[];
}

type Outcome = Release["outcome"];

export interface Faults {
  loss: number;
  duplicate: number;
  /** Network delays are uniform in [1, delayMs]. */
  delayMs: number;
  /** Share of messages that take up to twenty times as long. */
  straggle: number;
  /** Syncs take a uniform time in [0.1, syncMs]. */
  syncMs: number;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export type Cluster = ReturnType<typeof createCluster>;

export function createCluster(options: ClusterOptions) {
  const members = options.members ?? Array.from({ length: options.size }, (_, id) => id);
  const quorums = options.quorums ?? majority(members);
  const history: OmniPaxosHistory = createHistory(quorums);
  const random: PrngState = createPrng(options.seed ?? 1);
  const faults: Faults = { loss: 0, duplicate: 0, delayMs: 1, straggle: 0, syncMs: 0.2 };
  const events: Event[] = [];
  const sequence = new Map<Slot, string>();
  const trace: string[] = options.sink ?? [];
  let now = 0;
  let order = 0;
  let steps = 0;
  let sent = 0;
  const control = {
    /** False drops the message. */
    passes: (_from: NodeId, _to: NodeId, _message: OmniPaxosMessage): boolean => true,
    onReleased: (_node: NodeId, _outcome: Outcome, _requests: string[] | "all") => {},
    onExecuted: (_node: NodeId, _request: string, _slot: Slot) => {},
    onReadable: (_node: NodeId, _read: number, _slot: Slot) => {},
  };

  function at(ms: number, run: () => void): void {
    order += 1;
    const event = { at: now + ms, order, run };
    let low = 0;
    let high = events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((events[middle] as Event).at <= event.at) low = middle + 1;
      else high = middle;
    }
    events.splice(low, 0, event);
  }

  function log(line: string): void {
    if (options.trace === true) trace.push(line);
  }

  function fail(problem: string | null): void {
    if (problem !== null) throw new Error(`at ${now.toFixed(1)} ms, step ${steps}: ${problem}`);
  }

  const nodes: TestNode[] = members.map((id) => ({
    id,
    state: undefined as unknown as OmniPaxosState,
    queue: undefined as unknown as EffectQueue<OmniPaxosMessage>,
    platter: createPlatter(),
    alive: false,
    voter: !(options.nonVoters ?? []).includes(id),
    incarnation: 0,
    snapshot: 0,
    executedUpTo: 0,
    executed: [],
    image: [],
    timers: new Map(),
    syncing: false,
    readable: new Map(),
    released: [],
    stateRequests: [],
    observed: [],
  }));
  const node = (id: NodeId): TestNode => nodes[members.indexOf(id)] as TestNode;

  function transmit(from: NodeId, to: NodeId, bytes: Uint8Array, message: OmniPaxosMessage): void {
    sent += 1;
    if (!control.passes(from, to, message) || nextFraction(random) < faults.loss) {
      log(`  ${from} -x ${to} ${formatMessage(message)}`);
      return;
    }
    const copies = nextFraction(random) < faults.duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const slower = nextFraction(random) < faults.straggle ? 20 : 1;
      at(1 + nextFraction(random) * (faults.delayMs * slower - 1), () => {
        if (!node(to).alive) return;
        const decoded = omnipaxos.messages.decode(new Reader(bytes.slice()));
        invariant(decoded !== null, `${message.kind} does not survive its codec`);
        input(to, { kind: "message", from, message: decoded });
      });
    }
  }

  function handlerOf(owner: TestNode) {
    const { incarnation } = owner;
    const current = (): boolean => owner.alive && owner.incarnation === incarnation;
    return {
      append(record: { record: Uint8Array; about: unknown }): void {
        owner.platter.items.push({ kind: "record", record: record as never });
        log(`  ${owner.id} writes ${decodeRecord(record.record)?.kind}`);
        sync(owner);
      },
      checkpoint(effect: { records: readonly unknown[] }): void {
        owner.platter.items.push({ kind: "checkpoint", records: effect.records as never });
        log(`  ${owner.id} writes checkpoint of ${effect.records.length}`);
        sync(owner);
      },
      transmit(to: readonly NodeId[], message: OmniPaxosMessage): void {
        const writer = new Writer();
        omnipaxos.messages.encode(writer, message);
        const bytes = writer.take();
        log(`  ${owner.id} -> ${to.join(",")} ${formatMessage(message)}`);
        fail(onSent(history, owner.id, message));
        for (const target of to) transmit(owner.id, target, bytes, message);
      },
      loopback(message: OmniPaxosMessage): void {
        at(0, () => {
          if (current()) input(owner.id, { kind: "message", from: owner.id, message });
        });
      },
      deliver(effect: { position: Position; commands: readonly Command[] }): void {
        execute(owner, effect.position.index, effect.commands);
      },
      release(effect: {
        requests: readonly { client: string; sequence: number }[] | "all";
        outcome: Outcome;
      }): void {
        const requests =
          effect.requests === "all"
            ? "all"
            : effect.requests.map((r) => `${r.client}#${r.sequence}`);
        owner.released.push({ outcome: effect.outcome, requests });
        log(`  ${owner.id} releases ${effect.outcome} ${requests}`);
        at(0, () => control.onReleased(owner.id, effect.outcome, requests));
      },
      readable(effect: { reads: readonly number[]; position: Position }): void {
        for (const read of effect.reads) {
          owner.readable.set(read, effect.position.index);
          log(`  ${owner.id} may read ${read} at ${effect.position.index}`);
          control.onReadable(owner.id, read, effect.position.index);
        }
      },
      requestState(effect: RequestState): void {
        owner.stateRequests.push(effect);
        log(`  ${owner.id} requests state ${effect.position.index} from ${effect.from.join(",")}`);
        at(20, () => {
          if (current()) transfer(owner, effect);
        });
      },
      timer(effect: { name: string; ms: number | null }): void {
        order += 1;
        const due = order;
        if (effect.ms === null) {
          owner.timers.delete(effect.name);
          return;
        }
        owner.timers.set(effect.name, due);
        at(effect.ms, () => {
          if (!current() || owner.timers.get(effect.name) !== due) return;
          owner.timers.delete(effect.name);
          input(owner.id, { kind: "timeout", name: effect.name });
        });
      },
      observe(effect: { event: string; detail: Readonly<Record<string, unknown>> }): void {
        owner.observed.push(effect.event);
        log(`  ${owner.id} observes ${effect.event} ${JSON.stringify(effect.detail)}`);
      },
    };
  }

  function sync(owner: TestNode): void {
    if (owner.syncing) return;
    owner.syncing = true;
    const { incarnation } = owner;
    at(0, () => {
      if (!owner.alive || owner.incarnation !== incarnation) return;
      const upTo = owner.queue.appended;
      const items = owner.platter.items.length;
      at(0.1 + nextFraction(random) * (faults.syncMs - 0.1), () => {
        if (!owner.alive || owner.incarnation !== incarnation) return;
        harden(owner, items);
        owner.syncing = false;
        owner.queue.durable(upTo);
        if (owner.platter.items.length > owner.platter.synced) sync(owner);
      });
    });
  }

  /** The first `items` of the platter are safe now. */
  function harden(owner: TestNode, items: number): void {
    for (const item of owner.platter.items.slice(owner.platter.synced, items)) {
      if (!owner.state.sequence.voter) continue;
      const records = item.kind === "checkpoint" ? item.records : [item.record];
      for (const { record } of records) {
        const decoded = decodeRecord(record);
        invariant(decoded !== null, "a record does not survive its codec");
        fail(onDurable(history, owner.id, decoded));
      }
    }
    owner.platter.synced = Math.max(owner.platter.synced, items);
    tidy(owner.platter);
  }

  function execute(owner: TestNode, slot: Slot, commands: readonly Command[]): void {
    if (slot !== owner.executedUpTo + 1)
      fail(`node ${owner.id} delivers ${slot} after ${owner.executedUpTo}`);
    owner.executedUpTo = slot;
    const names = commands.map((c) => `${c.client}#${c.sequence}`);
    const text = names.join(" ");
    const known = sequence.get(slot);
    if (known === undefined) sequence.set(slot, text);
    else if (known !== text)
      fail(`node ${owner.id} delivers "${text}" in slot ${slot}, another had "${known}"`);
    log(`  ${owner.id} delivers ${slot}: ${text === "" ? "-" : text}`);
    for (const name of names) {
      if (owner.executed.includes(name)) continue;
      owner.executed.push(name);
      control.onExecuted(owner.id, name, slot);
    }
  }

  function transfer(owner: TestNode, request: RequestState): void {
    for (const from of request.from) {
      const donor = node(from);
      if (!donor.alive || donor.snapshot < request.position.index) continue;
      if (donor.snapshot <= owner.executedUpTo) return;
      owner.snapshot = donor.snapshot;
      owner.executedUpTo = donor.snapshot;
      owner.executed = [...donor.image];
      owner.image = [...donor.image];
      const position = { log: 0, index: donor.snapshot };
      return input(owner.id, { kind: "installed", position, image: new Uint8Array(0) });
    }
  }

  function input(id: NodeId, what: Input<OmniPaxosMessage>): void {
    const owner = node(id);
    steps += 1;
    log(formatInput(now, id, what));
    const effects: Effect<OmniPaxosMessage>[] = omnipaxos.step(owner.state, what, now);
    owner.queue.submit(effects);
    if (what.kind === "recover") return;
    fail(afterStep(history, owner.state.sequence) ?? electionProblem(owner.state));
  }

  function start(id: NodeId): void {
    const owner = node(id);
    invariant(!owner.alive, "starts a running node");
    owner.alive = true;
    owner.incarnation += 1;
    owner.timers = new Map();
    owner.syncing = false;
    owner.executedUpTo = owner.snapshot;
    owner.executed = [...owner.image];
    owner.state = omnipaxos.create({
      self: id,
      members,
      quorums,
      seed: nextU32(random),
      roles: [],
      tuning: { ...options.tuning, ...options.ownTuning?.[id] },
    });
    owner.queue = new EffectQueue(id, handlerOf(owner));
    const { records, missing } = contents(owner.platter);
    if (records.length > 0) input(id, { kind: "recover", records });
    input(id, {
      kind: "start",
      missing,
      delivered: { log: 0, index: owner.snapshot },
      image: new Uint8Array(0),
      incarnation: owner.incarnation,
      voter: owner.voter,
      led: id === options.led && owner.incarnation === 1,
    });
  }

  /** Keeps what was synced and, of the rest, a random prefix (none with `keep` 0). */
  function crash(id: NodeId, keep?: number): void {
    const owner = node(id);
    log(`${now.toFixed(1)} ${id} crashes`);
    owner.alive = false;
    const unsynced = owner.platter.items.length - owner.platter.synced;
    const extra = keep ?? Math.floor(nextFraction(random) * (unsynced + 1));
    harden(owner, owner.platter.synced + Math.min(extra, unsynced));
    losePower(owner.platter, 0);
  }

  function command(client: string, number: number, kind: Command["kind"] = "apply"): Command {
    return {
      kind,
      client,
      sequence: number,
      acknowledged: 1,
      origin: 0,
      payload: new Uint8Array(8),
      footprint: EMPTY_FOOTPRINT,
    };
  }

  /** Proposes the request `name`, like `a#1`, at a node. */
  function propose(id: NodeId, ...names: string[]): void {
    const commands = names.map((name) => {
      const [client = "", number = "1"] = name.split("#");
      return command(client, Number(number));
    });
    if (node(id).alive) input(id, { kind: "propose", commands });
  }

  function run(ms: number): void {
    const until = now + ms;
    for (;;) {
      const next = events[0];
      if (next === undefined || next.at > until) break;
      events.shift();
      now = next.at;
      next.run();
    }
    now = until;
  }

  /** Runs until `done`, at most `ms`; says whether it was reached. */
  function runUntil(done: () => boolean, ms: number): boolean {
    const until = now + ms;
    while (!done()) {
      const next = events[0];
      if (next === undefined || next.at > until) return false;
      events.shift();
      now = next.at;
      next.run();
    }
    return true;
  }

  /** Takes a snapshot of everything executed here, durably, and says so to the replica. */
  function compact(id: NodeId): void {
    const owner = node(id);
    owner.snapshot = owner.executedUpTo;
    owner.image = [...owner.executed];
    input(id, { kind: "compact", position: { log: 0, index: owner.snapshot } });
  }

  function leader(): TestNode | undefined {
    const leading = nodes.filter((n) => n.alive && n.state.sequence.role.kind === "leader");
    return leading.sort((a, b) =>
      compareBallots(b.state.sequence.promised, a.state.sequence.promised),
    )[0];
  }

  /** Runs until a quorum has accepted the log of the highest leader, and it knows. */
  function elect(ms = 5000): TestNode {
    const settled = (): boolean => {
      const state = leader()?.state.sequence;
      if (state?.role.kind !== "leader") return false;
      const voters = new Set(state.role.accepted.keys());
      return state.decidedUpTo >= state.role.barrier && quorums.isPhase2(voters);
    };
    invariant(runUntil(settled, ms), "no leader in time");
    return leader() as TestNode;
  }

  const cluster = {
    nodes,
    node,
    members,
    history,
    random,
    faults,
    control,
    sequence,
    trace,
    now: () => now,
    steps: () => steps,
    sent: () => sent,
    at,
    input,
    start,
    crash,
    command,
    propose,
    read: (id: NodeId, read: number) => input(id, { kind: "read", reads: [read] }),
    run,
    runUntil,
    compact,
    leader,
    elect,
    startAll: () => {
      for (const id of members) if (!node(id).alive) start(id);
    },
    /** Cuts every link between the groups. Nodes in no group are alone. */
    partition: (...groups: NodeId[][]) => {
      control.passes = (from, to) => groups.some((g) => g.includes(from) && g.includes(to));
    },
    heal: () => {
      control.passes = () => true;
    },
    /** Of everything that was delivered so far: two equal runs have equal fingerprints. */
    fingerprint: () =>
      hash64(
        new TextEncoder().encode(
          JSON.stringify([now, steps, [...sequence.entries()], nodes.map((n) => n.executed)]),
        ),
      ),
  };
  return cluster;
}
