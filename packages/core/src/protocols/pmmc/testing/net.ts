import {
  type Command,
  type Effect,
  type Input,
  invariant,
  type JournalRecord,
  majority,
  type NodeId,
  Reader,
  Writer,
} from "@synod/core";
import { formatMessage } from "../format.ts";
import { pmmc } from "../index.ts";
import { afterStep, createHistory, onDurable, onEffects, onSent } from "../invariants.ts";
import type { PmmcMessage } from "../messages.ts";
import { decodeRecord } from "../records.ts";
import type { PmmcState } from "../state.ts";
import { formatCommands, formatEffect } from "./format.ts";
import { command } from "./make.ts";

/** A message on its way, in the order of sending. */
export interface Letter {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: PmmcMessage;
}

/**
 * Members on disks that are never slow and a network whose every delivery the test asks for. Every
 * invariant of the paper is checked after every step; the first violation is thrown.
 */
export interface NetOptions {
  /** Roles by member; an empty list means all. */
  readonly roles: readonly (readonly string[])[];
  readonly tuning?: Readonly<Record<string, number>>;
  /** Where every input and effect is told, for golden traces. */
  readonly trace?: string[];
}

export interface NetMember {
  state: PmmcState;
  alive: boolean;
  incarnation: number;
  records: JournalRecord[];
  /** Of the durable snapshot: up to where, and what a replica that installs it is told. */
  snapshot: { index: number; image: Uint8Array; executed: string[] };
  timers: Map<string, number>;
  /** `slot: requests`, in the order of execution. */
  executed: string[];
  images: Map<number, Uint8Array>;
  readable: Map<number, number>;
  /** Names of the timers that are set, ascending. */
  timersSet(): string[];
}

export type Net = ReturnType<typeof createNet>;

const NO_IMAGE = new Uint8Array(0);

export function createNet({ roles, tuning = {}, trace = [] }: NetOptions) {
  const ids = roles.map((_, id) => id);
  const acceptors = ids.filter((id) => roles[id]?.length === 0 || roles[id]?.includes("acceptor"));
  const quorums = majority(acceptors);
  const history = createHistory(quorums);
  const post: Letter[] = [];
  const clock = { now: 0 };
  const settings = (self: NodeId) => ({ self, members: ids, quorums, seed: self, roles, tuning });
  const members: NetMember[] = ids.map((id) => ({
    state: pmmc.create(settings(id)),
    alive: false,
    incarnation: 0,
    records: [],
    snapshot: { index: 0, image: NO_IMAGE, executed: [] },
    timers: new Map(),
    executed: [],
    images: new Map(),
    readable: new Map(),
    timersSet() {
      return [...this.timers.keys()].sort();
    },
  }));
  const member = (id: NodeId): NetMember => members[id] as NetMember;
  const check = (problem: string | null): void => invariant(problem === null, problem ?? "");

  function input(id: NodeId, what: Input<PmmcMessage>): void {
    const node = member(id);
    trace.push(`${id} ${formatInput(what)}`);
    const effects = pmmc.step(node.state, what, clock.now);
    if (what.kind === "recover") return;
    check(onEffects(history, node.state, what, effects));
    const self: PmmcMessage[] = [];
    for (const effect of effects) {
      const line = formatEffect(effect);
      if (line !== null) trace.push(`  ${line}`);
      interpret(id, node, effect, self);
    }
    check(afterStep(history, node.state));
    for (const message of self) input(id, { kind: "message", from: id, message });
  }

  function interpret(
    id: NodeId,
    node: NetMember,
    effect: Effect<PmmcMessage>,
    self: PmmcMessage[],
  ): void {
    switch (effect.kind) {
      case "persist":
      case "note":
        return harden(id, node, [effect]);
      case "checkpoint":
        node.records = [];
        return harden(id, node, effect.records);
      case "send":
      case "sendNow":
        for (const to of effect.to) {
          if (to === id) self.push(effect.message);
          else post.push({ from: id, to, message: throughCodec(effect.message) });
        }
        if (effect.to.some((to) => to !== id)) check(onSent(history, id, effect.message));
        return;
      case "deliver": {
        const { index } = effect.position;
        node.executed.push(`${index}: ${formatCommands(effect.commands)}`);
        if (effect.image.length > 0) node.images.set(index, effect.image);
        return;
      }
      case "readable":
        for (const read of effect.reads) node.readable.set(read, effect.position.index);
        return;
      case "timer":
        node.timers.delete(effect.name);
        if (effect.ms !== null) node.timers.set(effect.name, effect.ms);
        return;
      default:
    }
  }

  function harden(id: NodeId, node: NetMember, records: readonly JournalRecord[]): void {
    for (const record of records) {
      node.records.push(record);
      const decoded = decodeRecord(record.record);
      invariant(decoded !== null, "a record does not survive its codec");
      if (node.state.voter) check(onDurable(history, id, decoded));
    }
  }

  function start(id: NodeId): void {
    const node = member(id);
    node.alive = true;
    node.incarnation += 1;
    node.state = pmmc.create(settings(id));
    node.timers = new Map();
    node.executed = [...node.snapshot.executed];
    if (node.records.length > 0) input(id, { kind: "recover", records: node.records });
    const { index, image } = node.snapshot;
    const { incarnation } = node;
    const delivered = { log: 0, index };
    input(id, { kind: "start", missing: [], delivered, image, incarnation, voter: true });
  }

  /** Delivers what is on its way, and what that causes, as far as `wanted` lets it. */
  function settle(wanted: (letter: Letter) => boolean = () => true): void {
    for (let count = 0; count < 10_000; count += 1) {
      const index = post.findIndex((letter) => member(letter.to).alive && wanted(letter));
      if (index < 0) return;
      const [letter] = post.splice(index, 1);
      if (letter !== undefined) arrive(letter);
    }
    invariant(false, "messages without end");
  }

  function arrive({ from, to, message }: Letter): void {
    if (member(to).alive) input(to, { kind: "message", from, message });
  }

  function timeout(id: NodeId, name: string): void {
    const node = member(id);
    invariant(node.timers.delete(name), `no timer ${name} at ${id}`);
    input(id, { kind: "timeout", name });
  }

  return {
    members,
    member,
    history,
    /** What is on its way; tests may take letters out, double and reorder them. */
    post,
    clock,
    input,
    start,
    settle,
    arrive,
    timeout,
    startAll: () => {
      for (const id of ids) if (!member(id).alive) start(id);
      settle();
    },
    crash: (id: NodeId) => {
      member(id).alive = false;
    },
    /** Begins a ballot and lets all messages come through. */
    lead: (id: NodeId) => {
      timeout(id, "scout");
      settle();
    },
    /** Timers of these names fire at all that live, as often as that; everything comes through. */
    tick: (names: readonly string[], times = 1) => {
      for (let round = 0; round < times; round += 1)
        for (const id of ids)
          for (const name of names)
            if (member(id).alive && member(id).timers.has(name)) {
              timeout(id, name);
              settle();
            }
    },
    propose: (id: NodeId, ...names: string[]) =>
      input(id, { kind: "propose", commands: names.map(command) }),
    order: (id: NodeId, ...commands: Command[]) => input(id, { kind: "propose", commands }),
    read: (id: NodeId, ...reads: number[]) => input(id, { kind: "read", reads }),
    /** A durable snapshot of all that is executed. */
    compact: (id: NodeId, image: Uint8Array = NO_IMAGE) => {
      const node = member(id);
      const index = node.executed.length;
      node.snapshot = { index, image, executed: [...node.executed] };
      input(id, { kind: "compact", position: { log: 0, index } });
    },
    /** The snapshot of another member is in place here. */
    install: (id: NodeId, from: NodeId) => {
      const node = member(id);
      const { index, image, executed } = member(from).snapshot;
      node.snapshot = { index, image, executed: [...executed] };
      node.executed = [...executed];
      input(id, { kind: "installed", position: { log: 0, index }, image });
    },
  };
}

function throughCodec(message: PmmcMessage): PmmcMessage {
  const writer = new Writer();
  pmmc.messages.encode(writer, message);
  const decoded = pmmc.messages.decode(new Reader(writer.take()));
  invariant(decoded !== null, `${message.kind} does not survive its codec`);
  return decoded;
}

function formatInput(what: Input<PmmcMessage>): string {
  switch (what.kind) {
    case "message":
      return `<- ${what.from} ${formatMessage(what.message)}`;
    case "timeout":
      return `timeout ${what.name}`;
    case "propose":
      return `propose ${formatCommands(what.commands)}`;
    case "read":
      return `read ${what.reads.join(" ")}`;
    case "compact":
    case "installed":
      return `${what.kind} ${what.position.index}`;
    default:
      return what.kind;
  }
}
