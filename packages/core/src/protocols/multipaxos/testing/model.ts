import {
  assertNever,
  decodeCommands,
  type Effect,
  type Input,
  type JournalRecord,
  majority,
  type NodeId,
  type ReplicaSettings,
  type Slot,
  Writer,
} from "@synod/core";
import { EffectQueue } from "@synod/runtime";
import { cloneData, type Model, writeCanonical } from "@synod/simulator";
import { multipaxos } from "../index.ts";
import { afterStep, createHistory, onDurable, onSent } from "../invariants.ts";
import type { MultipaxosMessage } from "../messages.ts";
import { decodeRecord } from "../records.ts";
import type { MultipaxosState } from "../state.ts";

/**
 * Every interleaving of a small configuration: real replicas behind real effect queues, where each
 * delivery, each sync, each election time-out and each crash is an event of its own. Messages are
 * never lost for good but may stay away for ever, which is the same to whoever waits; they may
 * overtake each other as they like.
 */
export interface ModelOptions {
  readonly size: number;
  /** How often the election timer of each node may fire. */
  readonly elections: readonly number[];
  /** How often any node may lose its memory and what it had not synced, and start again. */
  readonly crashes: number;
  /** How often a message may arrive a second time. */
  readonly duplicates: number;
  /** Which node has been asked for which request before it knew of a leader. */
  readonly requests: Readonly<Record<NodeId, string>>;
  /** Messages that never arrive: what only helps progress. */
  readonly without: readonly MultipaxosMessage["kind"][];
}

export interface ModelState {
  readonly nodes: readonly ModelNode[];
  /** In flight between nodes, ordered by key; equal ones are one. */
  readonly network: ReadonlyMap<string, Letter>;
  readonly crashes: number;
  readonly duplicates: number;
  /** What the action that led here did wrong. */
  readonly problem: string | null;
}

interface ModelNode {
  readonly state: MultipaxosState;
  readonly durable: readonly JournalRecord[];
  /** Effects since the last sync, from the first one on that a disk must see. */
  readonly tail: readonly Effect<MultipaxosMessage>[];
  readonly loopback: readonly MultipaxosMessage[];
  readonly delivered: readonly string[];
  readonly elections: number;
  readonly incarnation: number;
}

interface Letter {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: MultipaxosMessage;
}

export type ModelAction =
  | { readonly kind: "deliver"; readonly key: string; readonly again: boolean }
  | { readonly kind: "loopback"; readonly node: NodeId }
  | { readonly kind: "sync"; readonly node: NodeId }
  | { readonly kind: "elect"; readonly node: NodeId }
  | { readonly kind: "crash"; readonly node: NodeId };

/** Decides about time alone, or never changes. */
const IRRELEVANT: ReadonlySet<string> = new Set(["random", "settings", "tuning", "others"]);
const SHARED: ReadonlySet<string> = new Set(["settings", "tuning", "others", "random"]);

export function multipaxosModel(options: ModelOptions): Model<ModelState, ModelAction> {
  const members = Array.from({ length: options.size }, (_, id) => id);
  const settingsOf = (self: NodeId): ReplicaSettings => ({
    self,
    members,
    quorums: majority(members),
    seed: self,
    roles: [],
    tuning: { preVote: 0, window: 2 },
  });
  return {
    initial: [beginning(options, settingsOf)],
    actions: (state) => actionsOf(state),
    apply: (state, action) => applyTo(options, settingsOf, state, action),
    fingerprint: (writer, state) => {
      for (const node of state.nodes) writeNode(writer, node);
      for (const key of state.network.keys()) writer.string(key);
      writer.u8(state.crashes);
      writer.u8(state.duplicates);
    },
    check: (state) => state.problem ?? checkAll(state, members),
  };
}

type SettingsOf = (self: NodeId) => ReplicaSettings;

function beginning(options: ModelOptions, settingsOf: SettingsOf): ModelState {
  const nodes = options.elections.map((elections, id): ModelNode => {
    const node = boot(settingsOf(id), [], 1);
    const [client = "", sequence = "1"] = (options.requests[id] ?? "").split("#");
    if (client !== "") {
      const footprint = { reads: [], writes: [] };
      const command = {
        kind: "apply",
        client,
        sequence: Number(sequence),
        acknowledged: 1,
      } as const;
      const payload = new Uint8Array(0);
      const commands = [{ ...command, origin: id, payload, footprint }];
      multipaxos.step(node.state, { kind: "propose", commands }, 0);
    }
    return { ...node, elections };
  });
  const { crashes, duplicates } = options;
  return { nodes, network: new Map(), crashes, duplicates, problem: null };
}

function boot(
  settings: ReplicaSettings,
  durable: readonly JournalRecord[],
  incarnation: number,
): ModelNode {
  const state = multipaxos.create(settings);
  multipaxos.step(state, { kind: "recover", records: durable }, 0);
  const delivered = { log: 0, index: 0 };
  const image = new Uint8Array(0);
  const start = { kind: "start", missing: [], delivered, image, incarnation, voter: true } as const;
  const node: ModelNode = {
    state,
    durable,
    tail: [],
    loopback: [],
    delivered: [],
    elections: 0,
    incarnation,
  };
  const effects = multipaxos.step(state, start, 0);
  return { ...node, delivered: deliveries(effects) };
}

function actionsOf(state: ModelState): ModelAction[] {
  const actions: ModelAction[] = [];
  for (const key of state.network.keys()) {
    actions.push({ kind: "deliver", key, again: false });
    if (state.duplicates > 0) actions.push({ kind: "deliver", key, again: true });
  }
  for (const [id, node] of state.nodes.entries()) {
    if (node.loopback.length > 0) actions.push({ kind: "loopback", node: id });
    if (node.tail.length > 0) actions.push({ kind: "sync", node: id });
    if (node.elections > 0) actions.push({ kind: "elect", node: id });
    if (state.crashes > 0) actions.push({ kind: "crash", node: id });
  }
  return actions;
}

function applyTo(
  options: ModelOptions,
  settingsOf: SettingsOf,
  before: ModelState,
  action: ModelAction,
): ModelState | null {
  switch (action.kind) {
    case "deliver": {
      const letter = before.network.get(action.key) as Letter;
      const network = new Map(before.network);
      if (!action.again) network.delete(action.key);
      const duplicates = before.duplicates - (action.again ? 1 : 0);
      const { from, to, message } = letter;
      const next = step(options, { ...before, network, duplicates }, to, {
        kind: "message",
        from,
        message,
      });
      return changed(before, next, to) ? next : null;
    }
    case "loopback": {
      const node = before.nodes[action.node] as ModelNode;
      const [message, ...loopback] = node.loopback;
      if (message === undefined) return null;
      const state = replaced(before, action.node, { ...node, loopback });
      return step(options, state, action.node, { kind: "message", from: action.node, message });
    }
    case "sync":
      return sync(options, before, action.node);
    case "elect": {
      const node = before.nodes[action.node] as ModelNode;
      if (node.state.role.kind === "leader") return null;
      const state = replaced(before, action.node, { ...node, elections: node.elections - 1 });
      return step(options, state, action.node, { kind: "timeout", name: "election" });
    }
    case "crash": {
      const node = before.nodes[action.node] as ModelNode;
      const fresh = boot(settingsOf(action.node), node.durable, node.incarnation + 1);
      const crashes = before.crashes - 1;
      return replaced({ ...before, crashes }, action.node, { ...fresh, elections: node.elections });
    }
    default:
      return assertNever(action);
  }
}

/** A delivery that changes nothing may as well not have happened: the message stays on its way. */
function changed(before: ModelState, after: ModelState, id: NodeId): boolean {
  if (after.problem !== null) return true;
  const [a, b] = [before, after].map((state) => {
    const writer = new Writer(1024);
    writeNode(writer, state.nodes[id] as ModelNode);
    return writer.peek().join();
  });
  if (a !== b) return true;
  for (const key of after.network.keys()) if (!before.network.has(key)) return true;
  return false;
}

/** One step of a copy of the replica; what it wants done goes through the real queue. */
function step(
  options: ModelOptions,
  before: ModelState,
  id: NodeId,
  input: Input<MultipaxosMessage>,
): ModelState {
  const node = before.nodes[id] as ModelNode;
  const state = cloneData(node.state, SHARED);
  const effects = multipaxos.step(state, input, 0);
  const { queue, sink } = rebuild(options, node, id);
  queue.submit(effects);
  const waits = (effect: Effect<MultipaxosMessage>): boolean =>
    effect.kind === "persist" || effect.kind === "note" || effect.kind === "send";
  const begins =
    node.tail.length > 0 ? 0 : effects.findIndex((e) => e.kind === "persist" || e.kind === "note");
  const tail = begins < 0 ? node.tail : [...node.tail, ...effects.slice(begins).filter(waits)];
  const after: ModelNode = {
    ...node,
    state,
    tail,
    loopback: [...node.loopback, ...sink.loopback],
    delivered: [...node.delivered, ...sink.delivered],
  };
  return mail(replaced(before, id, after), id, sink.sent);
}

function sync(options: ModelOptions, before: ModelState, id: NodeId): ModelState {
  const node = before.nodes[id] as ModelNode;
  const { queue, sink } = rebuild(options, node, id);
  queue.durable(queue.appended);
  const written = node.tail.filter((e) => e.kind === "persist" || e.kind === "note");
  const durable = [...node.durable, ...(written as unknown as JournalRecord[])];
  const loopback = [...node.loopback, ...sink.loopback];
  return mail(replaced(before, id, { ...node, durable, tail: [], loopback }), id, sink.sent);
}

interface Sink {
  sent: { to: readonly NodeId[]; message: MultipaxosMessage }[];
  loopback: MultipaxosMessage[];
  delivered: string[];
}

/** The queue as it stands: what waits in it follows from the effects since the last sync. */
function rebuild(
  options: ModelOptions,
  node: ModelNode,
  id: NodeId,
): { queue: EffectQueue<MultipaxosMessage>; sink: Sink } {
  const sink: Sink = { sent: [], loopback: [], delivered: [] };
  const nothing = (): void => {};
  const queue = new EffectQueue<MultipaxosMessage>(id, {
    append: nothing,
    checkpoint: nothing,
    transmit: (to, message) => {
      if (!options.without.includes(message.kind)) sink.sent.push({ to, message });
    },
    loopback: (message) => sink.loopback.push(message),
    deliver: (effect) => sink.delivered.push(...deliveries([effect])),
    release: nothing,
    readable: nothing,
    requestState: nothing,
    timer: nothing,
    observe: nothing,
  });
  queue.submit(node.tail);
  sink.sent = [];
  sink.loopback = [];
  return { queue, sink };
}

function mail(state: ModelState, from: NodeId, sent: Sink["sent"]): ModelState {
  const letters = sent.flatMap(({ to, message }) =>
    to.map((target): [string, Letter] => {
      const writer = new Writer(64);
      multipaxos.messages.encode(writer, message);
      return [`${from}>${target} ${writer.peek().join()}`, { from, to: target, message }];
    }),
  );
  if (letters.length === 0) return state;
  const network = new Map([...state.network, ...letters].sort(([a], [b]) => (a < b ? -1 : 1)));
  const history = historyOf(state);
  const shown =
    typeof history === "string" ? [] : sent.map(({ message }) => onSent(history, from, message));
  return { ...state, network, problem: shown.find((problem) => problem !== null) ?? state.problem };
}

function replaced(state: ModelState, id: NodeId, node: ModelNode): ModelState {
  return { ...state, nodes: state.nodes.map((old, at) => (at === id ? node : old)) };
}

function writeNode(writer: Writer, node: ModelNode): void {
  writeCanonical(writer, node, IRRELEVANT);
}

function deliveries(effects: readonly Effect<MultipaxosMessage>[]): string[] {
  return effects.flatMap((effect) =>
    effect.kind === "deliver"
      ? [effect.commands.map((c) => `${c.client}#${c.sequence}`).join("+")]
      : [],
  );
}

/** What the disks say has been accepted and chosen; in words when they contradict each other. */
function historyOf(state: ModelState): ReturnType<typeof createHistory> | string {
  const history = createHistory(majority(state.nodes.map((_, id) => id)));
  for (const [id, node] of state.nodes.entries())
    for (const { record } of node.durable) {
      const decoded = decodeRecord(record);
      const problem = decoded === null ? "unreadable record" : onDurable(history, id, decoded);
      if (problem !== null) return problem;
    }
  return history;
}

function checkAll(state: ModelState, members: readonly NodeId[]): string | null {
  const history = historyOf(state);
  if (typeof history === "string") return history;
  for (const id of members) {
    const node = state.nodes[id] as ModelNode;
    const problem = afterStep(history, node.state);
    if (problem !== null) return problem;
    for (const [at, text] of node.delivered.entries()) {
      const value = history.chosen.get(at + 1);
      if (value === undefined || describe(value) !== text)
        return `node ${id} delivered "${text}" in slot ${at + 1}, which is not what was chosen`;
    }
  }
  return null;
}

function describe(value: Uint8Array): string {
  return (decodeCommands(value) ?? []).map((c) => `${c.client}#${c.sequence}`).join("+");
}

/** Slots that a quorum has chosen, with what; for asking whether a model is worth its name. */
export function chosenIn(state: ModelState): ReadonlyMap<Slot, string> {
  const history = historyOf(state);
  if (typeof history === "string") return new Map();
  return new Map([...history.chosen].map(([slot, value]) => [slot, describe(value)]));
}
