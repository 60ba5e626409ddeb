import {
  ABOUT_META,
  assertNever,
  type Command,
  type Effect,
  encodeUtf8,
  hash64,
  type Input,
  invariant,
  type JournalRecord,
  type NodeId,
  type Protocol,
  Reader,
  type Start,
  Writer,
} from "@synod/core";
import {
  type Entry,
  type Lane,
  type Message,
  readEntries,
  TWO_LANES_MESSAGES,
  writeEntries,
} from "./two-lanes-messages.ts";

/**
 * A protocol as unlike Multi-Paxos as the contract allows, to keep the host honest: no leader, no
 * slots, order by conflict. Keys fall into two lanes. Each lane is ordered by its owner, whose
 * durable word alone makes an entry chosen, so it tolerates no lost owner. Entries of different
 * lanes are delivered in different orders on different replicas. A command that touches both lanes
 * is put into lane 0 and then, in lane 0's order, into lane 1; it is delivered where both meet, so
 * barriers find all replicas in the same state. A position is the number of commands delivered.
 */
export interface LaneState {
  /** Contiguous, from `cut + 1`. */
  entries: Map<number, Entry>;
  /** Highest index here: of the owner perhaps not durable yet, of others chosen. */
  last: number;
  /** Highest index known to be durable at the owner. */
  chosen: number;
  delivered: number;
  /** Entries up to here are in a snapshot. */
  cut: number;
}

export interface State {
  readonly self: NodeId;
  readonly members: readonly NodeId[];
  readonly lanes: readonly [LaneState, LaneState];
  delivered: number;
  /** Lane 1's owner has joined lane 0's entries up to here. */
  joined: number;
  voter: boolean;
  nonce: number;
  reads: {
    readonly ids: readonly number[];
    readonly nonce: number;
    readonly ends: (number | null)[];
  }[];
  /** Lane counters at barriers, by position, until one is compacted. */
  barriers: Map<number, Uint8Array>;
}

type Effects = Effect<Message>[];
const LANES: readonly Lane[] = [0, 1];
const PULL_MS = 100;
const NO_IMAGE = new Uint8Array(0);

export const twoLanes: Protocol<State, Message> = {
  name: "two-lanes",
  capabilities: {
    order: "conflict",
    logs: "one",
    stop: "host",
    reads: "quorum",
    leader: false,
    roles: ["acceptor", "learner"],
    learner: "learner",
  },
  messages: TWO_LANES_MESSAGES,
  create: ({ self, members }) => ({
    self,
    members,
    lanes: [newLane(), newLane()],
    delivered: 0,
    joined: 0,
    voter: false,
    nonce: 0,
    reads: [],
    barriers: new Map(),
  }),
  step: (state, input) => {
    const out: Effects = [];
    onInput(state, input, out);
    if (input.kind !== "recover") advance(state, out);
    return out;
  },
  status: (state) => ({
    role: LANES.some((lane) => ownerOf(state, lane) === state.self) ? "owner" : "follower",
    leader: null,
    ballot: "none",
    chosenUpTo: state.delivered,
    compactedUpTo: 0,
    voter: state.voter,
    detail: { lane0: state.lanes[0].delivered, lane1: state.lanes[1].delivered },
  }),
};

/** The lane of a key; sessions are keys, too. */
export function laneOfKey(key: string): Lane {
  return Number.parseInt(hash64(encodeUtf8(key)).slice(0, 1), 16) & 1;
}

export function lanesOf({ kind, footprint }: Command): readonly Lane[] {
  if (kind !== "apply") return LANES;
  const touched = new Set([...footprint.reads, ...footprint.writes].map(laneOfKey));
  return LANES.filter((lane) => touched.has(lane));
}

function newLane(): LaneState {
  return { entries: new Map(), last: 0, chosen: 0, delivered: 0, cut: 0 };
}

function ownerOf(state: State, lane: Lane): NodeId {
  return state.members[lane % state.members.length] as NodeId;
}

function laneOf(state: State, lane: Lane): LaneState {
  return state.lanes[lane] as LaneState;
}

function onInput(state: State, input: Input<Message>, out: Effects): void {
  switch (input.kind) {
    case "message":
      return onMessage(state, input.from, input.message, out);
    case "timeout":
      return pull(state, out);
    case "propose":
      return propose(state, input.commands, out);
    case "stop":
      return propose(state, [input.command], out);
    case "read":
      state.nonce += 1;
      state.reads.push({ ids: input.reads, nonce: state.nonce, ends: [null, null] });
      return probe(state, out);
    case "linkUp":
      // What was asked of this peer may be lost.
      out.push({ kind: "release", requests: "all", outcome: "unknown" });
      return want(state, out);
    case "recover":
      for (const { record } of input.records) recover(state, new Reader(record));
      return;
    case "start":
      return start(state, input, out);
    case "admit":
      state.voter = true;
      return;
    case "compact":
      return settle(state, input.position.index, state.barriers.get(input.position.index), out);
    case "installed":
      return settle(state, input.position.index, input.image, out);
    default:
      return assertNever(input);
  }
}

function onMessage(state: State, from: NodeId, message: Message, out: Effects): void {
  switch (message.kind) {
    case "ask":
      return propose(state, message.commands, out);
    case "entries":
      return learn(state, from, message, out);
    case "want":
      return supply(state, from, message, out);
    case "gone":
      out.push({
        kind: "requestState",
        position: { log: 0, index: state.delivered + 1 },
        from: [from],
      });
      return;
    case "probe": {
      const { lane, nonce } = message;
      if (ownerOf(state, lane) !== state.self) return;
      const last = laneOf(state, lane).chosen;
      out.push({ kind: "sendNow", to: [from], message: { kind: "end", lane, nonce, last } });
      return;
    }
    case "end":
      for (const read of state.reads)
        if (read.nonce === message.nonce) read.ends[message.lane] = message.last;
      return;
    default:
      return assertNever(message);
  }
}

/** Owners append; others ask them. */
function propose(state: State, commands: readonly Command[], out: Effects): void {
  for (const command of commands) {
    const lane = lanesOf(command)[0] ?? 0;
    const owner = ownerOf(state, lane);
    if (owner !== state.self)
      out.push({ kind: "sendNow", to: [owner], message: { kind: "ask", commands: [command] } });
    else if (state.voter) append(state, lane, { join: 0, command }, out);
  }
}

function append(state: State, lane: Lane, entry: Entry, out: Effects): void {
  const own = laneOf(state, lane);
  own.last += 1;
  own.entries.set(own.last, entry);
  out.push({ kind: "persist", ...entryRecord(lane, own.last, entry) });
  const message: Message = { kind: "entries", lane, first: own.last, entries: [entry] };
  out.push({ kind: "send", to: state.members, message });
}

function learn(
  state: State,
  from: NodeId,
  message: Extract<Message, { kind: "entries" }>,
  out: Effects,
): void {
  const { lane, first, entries } = message;
  const known = laneOf(state, lane);
  const end = first + entries.length - 1;
  if (from === state.self) {
    known.chosen = Math.max(known.chosen, end);
    return;
  }
  if (first > known.chosen + 1) return want(state, out);
  entries.forEach((entry, offset) => {
    const index = first + offset;
    if (index <= known.chosen) return;
    known.entries.set(index, entry);
    known.last = index;
    known.chosen = index;
    out.push({ kind: "note", ...entryRecord(lane, index, entry) });
  });
}

/** Asks the owners of other lanes for what comes next. */
function want(state: State, out: Effects): void {
  for (const lane of LANES) {
    const owner = ownerOf(state, lane);
    const message: Message = { kind: "want", lane, from: laneOf(state, lane).chosen + 1 };
    if (owner !== state.self) out.push({ kind: "sendNow", to: [owner], message });
  }
}

function supply(
  state: State,
  to: NodeId,
  { lane, from }: { lane: Lane; from: number },
  out: Effects,
): void {
  if (ownerOf(state, lane) !== state.self) return;
  const own = laneOf(state, lane);
  if (from <= own.cut) {
    out.push({ kind: "sendNow", to: [to], message: { kind: "gone", lane } });
    return;
  }
  const entries: Entry[] = [];
  for (let index = from; index <= own.chosen && entries.length < 50; index += 1)
    entries.push(own.entries.get(index) as Entry);
  if (entries.length === 0) return;
  out.push({ kind: "sendNow", to: [to], message: { kind: "entries", lane, first: from, entries } });
}

function pull(state: State, out: Effects): void {
  want(state, out);
  probe(state, out);
  out.push({ kind: "timer", name: "pull", ms: PULL_MS });
}

/** Asks how far the lanes have come, on behalf of reads that do not know it yet. */
function probe(state: State, out: Effects): void {
  for (const { nonce, ends } of state.reads) {
    for (const lane of LANES) {
      if (ends[lane] !== null) continue;
      const owner = ownerOf(state, lane);
      if (owner === state.self) ends[lane] = laneOf(state, lane).chosen;
      else out.push({ kind: "sendNow", to: [owner], message: { kind: "probe", lane, nonce } });
    }
  }
}

/** Joins, delivers and clears reads as far as it goes. Odd nodes prefer the other lane. */
function advance(state: State, out: Effects): void {
  if (ownerOf(state, 1) === state.self && state.voter) join(state, out);
  const order = state.self % 2 === 0 ? LANES : [1, 0];
  while (deliverBoth(state, out) || order.some((lane) => deliverOne(state, lane, out)));
  const due = state.reads.filter(({ ends }) =>
    LANES.every(
      (lane) => (ends[lane] ?? Number.POSITIVE_INFINITY) <= laneOf(state, lane).delivered,
    ),
  );
  state.reads = state.reads.filter((read) => !due.includes(read));
  for (const { ids } of due)
    out.push({ kind: "readable", reads: ids, position: { log: 0, index: state.delivered } });
}

/** What lane 0 shares with lane 1, in lane 0's order. */
function join(state: State, out: Effects): void {
  const { chosen, entries } = state.lanes[0];
  while (state.joined < chosen) {
    state.joined += 1;
    const entry = entries.get(state.joined);
    if (entry === undefined || lanesOf(entry.command).length < 2) continue;
    append(state, 1, { join: state.joined, command: entry.command }, out);
  }
}

function head(lane: LaneState): Entry | undefined {
  return lane.delivered < lane.chosen ? lane.entries.get(lane.delivered + 1) : undefined;
}

function deliverOne(state: State, lane: Lane, out: Effects): boolean {
  const entry = head(laneOf(state, lane));
  if (entry === undefined || lanesOf(entry.command).length > 1) return false;
  laneOf(state, lane).delivered += 1;
  return deliver(state, entry.command, out);
}

function deliverBoth(state: State, out: Effects): boolean {
  const [first, second] = [head(state.lanes[0]), head(state.lanes[1])];
  if (first === undefined || second === undefined || second.join === 0) return false;
  if (lanesOf(first.command).length < 2) return false;
  state.lanes[0].delivered += 1;
  state.lanes[1].delivered += 1;
  invariant(second.join === state.lanes[0].delivered, "the lanes joined out of order");
  return deliver(state, first.command, out);
}

function deliver(state: State, command: Command, out: Effects): true {
  state.delivered += 1;
  const position = { log: 0, index: state.delivered };
  const image = command.kind === "apply" ? NO_IMAGE : encodeImage(state);
  if (command.kind !== "apply") state.barriers.set(state.delivered, image);
  out.push({ kind: "deliver", position, commands: [command], image });
  return true;
}

function start(state: State, input: Start, out: Effects): void {
  state.voter = input.voter && input.missing.length === 0;
  // Fresh in every incarnation, so that no old answer clears a new read.
  state.nonce = input.incarnation * 0x1_0000_0000;
  // Whatever was recovered is durable now, one's own entries included.
  for (const lane of state.lanes) lane.chosen = lane.last;
  if (input.delivered.index > 0) cutAt(state, input.delivered.index, input.image);
  want(state, out);
  out.push({ kind: "timer", name: "pull", ms: PULL_MS });
}

/** A snapshot through `index` is durable here: forget what it holds. */
function settle(state: State, index: number, image: Uint8Array | undefined, out: Effects): void {
  if (image === undefined) return;
  cutAt(state, index, image);
  const records: JournalRecord[] = [cutRecord(state)];
  for (const lane of LANES)
    for (const [at, entry] of laneOf(state, lane).entries)
      records.push(entryRecord(lane, at, entry));
  out.push({ kind: "checkpoint", records });
}

function cutAt(state: State, index: number, image: Uint8Array): void {
  const reader = new Reader(image);
  for (const lane of state.lanes) {
    const cut = reader.u53();
    for (const at of [...lane.entries.keys()]) if (at <= cut) lane.entries.delete(at);
    lane.cut = Math.max(lane.cut, cut);
    lane.delivered = Math.max(lane.delivered, cut);
    lane.chosen = Math.max(lane.chosen, cut);
    lane.last = Math.max(lane.last, cut);
  }
  invariant(reader.complete(), "not an image of two lanes");
  state.joined = Math.max(state.joined, state.lanes[0].cut);
  state.delivered = Math.max(state.delivered, index);
  for (const position of [...state.barriers.keys()])
    if (position <= index) state.barriers.delete(position);
}

function encodeImage(state: State): Uint8Array {
  const writer = new Writer(16);
  for (const { delivered } of state.lanes) writer.u53(delivered);
  return writer.take();
}

function entryRecord(lane: Lane, index: number, entry: Entry): JournalRecord {
  const writer = new Writer();
  writer.u8(lane);
  writer.u53(index);
  writeEntries(writer, [entry]);
  return {
    record: writer.take(),
    about: { kind: "instance", log: lane, first: index, last: index },
  };
}

function cutRecord(state: State): JournalRecord {
  const writer = new Writer();
  writer.u8(2);
  writer.u53(state.joined);
  for (const { cut } of state.lanes) writer.u53(cut);
  return { record: writer.take(), about: ABOUT_META };
}

function recover(state: State, reader: Reader): void {
  const lane = reader.u8();
  if (lane === 2) {
    state.joined = reader.u53();
    for (const cut of state.lanes) {
      cut.cut = reader.u53();
      cut.last = cut.cut;
      cut.entries.clear();
    }
    return;
  }
  const index = reader.u53();
  const entry = (readEntries(reader) as Entry[])[0] as Entry;
  laneOf(state, lane).entries.set(index, entry);
  laneOf(state, lane).last = index;
  if (lane === 1) state.joined = Math.max(state.joined, entry.join);
}
