import {
  ABOUT_META,
  type About,
  assertNever,
  type Ballot,
  type Command,
  type Effect,
  EMPTY_FOOTPRINT,
  formatBallot,
  type Input,
  invariant,
  type JournalRecord,
  majority,
  type NodeId,
  type QuorumSystem,
  Reader,
  type Slot,
  Writer,
  writeCommands,
} from "@synod/core";
import { formatMessage, formatValue } from "../format.ts";
import { multipaxos } from "../index.ts";
import { replicaProblem } from "../invariants.ts";
import type { MultipaxosMessage, Reported } from "../messages.ts";
import { decodeRecord, journalRecord, type MultipaxosRecord } from "../records.ts";
import type { MultipaxosState } from "../state.ts";

/**
 * One replica whose inputs are given by hand. Each input answers with its effects, one readable
 * line each, in order: a test states all that a step does, and in which order. Timers and
 * observations are kept apart. Invariants and the codec are checked in passing.
 */
export interface SoloOptions {
  readonly self?: NodeId;
  readonly size?: number;
  readonly quorums?: QuorumSystem;
  readonly tuning?: Readonly<Record<string, number>>;
  readonly voter?: boolean;
  readonly led?: boolean;
  readonly records?: readonly (MultipaxosRecord | JournalRecord)[];
  readonly missing?: readonly About[] | "unnamed";
  readonly delivered?: Slot;
  readonly incarnation?: number;
  readonly seed?: number;
}

export type Solo = ReturnType<typeof createSolo>;

export function createSolo(options: SoloOptions = {}) {
  const self = options.self ?? 0;
  const members = Array.from({ length: options.size ?? 3 }, (_, id) => id);
  const state: MultipaxosState = multipaxos.create({
    self,
    members,
    quorums: options.quorums ?? majority(members),
    seed: options.seed ?? 1,
    roles: [],
    tuning: options.tuning ?? {},
  });
  /** Timers that are set, with their ms. */
  const timers = new Map<string, number>();
  const observed: string[] = [];
  /** What was sent to oneself and has not come back from the disk yet. */
  const loopback: MultipaxosMessage[] = [];

  function input(what: Input<MultipaxosMessage>): string[] {
    const lines: string[] = [];
    for (const effect of multipaxos.step(state, what, 0)) {
      if (effect.kind === "timer") {
        timers.delete(effect.name);
        if (effect.ms !== null) timers.set(effect.name, effect.ms);
      } else if (effect.kind === "observe") observed.push(effect.event);
      else lines.push(formatEffect(effect));
      if (effect.kind === "send" && effect.to.includes(self)) loopback.push(effect.message);
      if (effect.kind === "send" || effect.kind === "sendNow") checkCodec(effect.message);
      if (effect.kind === "sendNow") invariant(!effect.to.includes(self), "sendNow to oneself");
    }
    const problem = what.kind === "recover" ? null : replicaProblem(state);
    invariant(problem === null, problem ?? "");
    return lines;
  }

  const message = (from: NodeId, what: MultipaxosMessage): string[] =>
    input({ kind: "message", from, message: what });

  function timeout(name: string): string[] {
    timers.delete(name);
    return input({ kind: "timeout", name });
  }

  /** The disk has everything: messages to oneself come back, and what they cause likewise. */
  function durable(): string[] {
    const lines: string[] = [];
    for (let next = loopback.shift(); next !== undefined; next = loopback.shift())
      lines.push(...message(self, next));
    return lines;
  }

  /** Asks for an election and has its probe granted by as many as it takes. */
  function campaign(): string[] {
    const lines = timeout("election");
    const { attempts } = state;
    for (const from of state.others)
      if (state.role.kind === "prober") lines.push(...message(from, probed({ attempt: attempts })));
    return lines;
  }

  /** Becomes leader in round 1 (or the next one); others report what is given, or nothing. */
  function lead(reports: Readonly<Record<NodeId, readonly Reported[]>> = {}): string[] {
    const lines = [...campaign(), ...durable()];
    for (const from of state.others) {
      if (state.role.kind !== "candidate") break;
      const { ballot: own, floor } = state.role;
      const entries = reports[from] ?? [];
      lines.push(...message(from, promise(own, { first: floor + 1, entries })));
    }
    invariant(state.role.kind === "leader", "has not become leader");
    return lines;
  }

  const records = (options.records ?? []).map((record) =>
    "about" in record ? record : journalRecord(record),
  );
  if (records.length > 0) input({ kind: "recover", records });
  const started = input({
    kind: "start",
    missing: options.missing ?? [],
    delivered: { log: 0, index: options.delivered ?? 0 },
    image: new Uint8Array(0),
    incarnation: options.incarnation ?? 1,
    voter: options.voter ?? true,
    led: options.led ?? false,
  });

  return {
    state,
    timers,
    observed,
    /** Effects of `start`. */
    started,
    input,
    message,
    timeout,
    durable,
    campaign,
    lead,
    propose: (...names: string[]) => input({ kind: "propose", commands: names.map(command) }),
    read: (...reads: number[]) => input({ kind: "read", reads }),
    linkUp: (peer: NodeId) => input({ kind: "linkUp", peer }),
    compact: (index: Slot) => input({ kind: "compact", position: { log: 0, index } }),
    installed: (index: Slot) =>
      input({ kind: "installed", position: { log: 0, index }, image: new Uint8Array(0) }),
    admit: () => input({ kind: "admit" }),
    stop: (name: string) => input({ kind: "stop", command: { ...command(name), kind: "stop" } }),
    /** The log as lines, ascending; `!` marks what is chosen. */
    log: () =>
      [...state.log]
        .sort(([a], [b]) => a - b)
        .map(([slot, entry]) => {
          const mark = entry.chosen ? "!" : "";
          return `${slot}${mark}:${formatBallot(entry.ballot)}:${formatValue(entry.value)}`;
        }),
  };
}

/** A replica that leads in ballot 1.0 with its first slot, the no-op, chosen. */
export function leading(options: SoloOptions = {}): Solo {
  const solo = createSolo(options);
  solo.lead();
  solo.durable();
  for (const from of solo.state.others)
    if (solo.state.chosenUpTo < 1) solo.message(from, accepted("1.0", 1));
  invariant(solo.state.chosenUpTo === 1, "its no-op is not chosen");
  return solo;
}

/** `round.proposer`. */
export function ballot(text: string): Ballot {
  const [round = "0", proposer = "0"] = text.split(".");
  return { round: Number(round), proposer: Number(proposer) };
}

/** The request `client#sequence`; `stop#1` ends the configuration. */
export function command(name: string): Command {
  const [client = "", sequence = "1"] = name.split("#");
  return {
    kind: client === "stop" ? "stop" : "apply",
    client,
    sequence: Number(sequence),
    acknowledged: 1,
    origin: 0,
    payload: new Uint8Array(8),
    footprint: EMPTY_FOOTPRINT,
  };
}

/** Encoded requests, as in `a#1+b#1`; `-` is a no-op. */
export function value(text: string): Uint8Array {
  if (text === "-") return new Uint8Array(0);
  const writer = new Writer();
  writeCommands(writer, text.split("+").map(command));
  return writer.take();
}

/** Bytes of one request made by {@link command} with a client name of one letter. */
export const REQUEST_BYTES: number = value("a#1").length;

export function accept(
  of: string,
  first: Slot,
  values: readonly string[],
  chosenUpTo: Slot = 0,
): MultipaxosMessage {
  return { kind: "accept", ballot: ballot(of), first, values: values.map(value), chosenUpTo };
}

export function accepted(
  of: string,
  first: Slot,
  last: Slot = first,
  chosenUpTo: Slot = 0,
): MultipaxosMessage {
  return { kind: "accepted", ballot: ballot(of), runs: [{ first, last }], chosenUpTo };
}

export function prepare(of: string, chosenUpTo: Slot = 0): MultipaxosMessage {
  return { kind: "prepare", ballot: ballot(of), chosenUpTo };
}

export function heartbeat(of: string, chosenUpTo: Slot = 0, round = 1): MultipaxosMessage {
  return { kind: "heartbeat", ballot: ballot(of), round, chosenUpTo };
}

export function heartbeatAck(of: string, round: number, chosenUpTo: Slot = 0): MultipaxosMessage {
  return { kind: "heartbeatAck", ballot: ballot(of), round, chosenUpTo };
}

export function commit(of: string, chosenUpTo: Slot): MultipaxosMessage {
  return { kind: "commit", ballot: ballot(of), chosenUpTo };
}

export function learn(
  first: Slot,
  values: readonly string[],
  chosenUpTo: Slot = first + values.length - 1,
): MultipaxosMessage {
  return { kind: "learn", first, values: values.map(value), chosenUpTo };
}

export function nack(refused: string, promised: string, chosenUpTo: Slot = 0): MultipaxosMessage {
  return { kind: "nack", refused: ballot(refused), promised: ballot(promised), chosenUpTo };
}

export function probed(
  fields: Partial<Extract<MultipaxosMessage, { kind: "probed" }>>,
): MultipaxosMessage {
  const promised = ballot("0.0");
  return { kind: "probed", attempt: 1, granted: true, promised, chosenUpTo: 0, ...fields };
}

export function promise(
  of: Ballot,
  fields: Partial<Extract<MultipaxosMessage, { kind: "promise" }>> = {},
): MultipaxosMessage {
  const none = { chosenUpTo: 0, omittedUpTo: 0, first: 1, last: Number.MAX_SAFE_INTEGER };
  return { kind: "promise", ballot: of, entries: [], unknown: [], ...none, ...fields };
}

/** An entry of a promise: `reported(3, "1.2", "a#1")`. */
export function reported(slot: Slot, of: string, text: string, chosen = false): Reported {
  return { slot, ballot: ballot(of), chosen, value: value(text) };
}

export function acceptedRecord(
  of: string,
  first: Slot,
  values: readonly string[],
): MultipaxosRecord {
  return { kind: "accepted", ballot: ballot(of), first, values: values.map(value) };
}

/** Bytes that are no record of this version. */
export const UNREADABLE: JournalRecord = { record: new Uint8Array([255]), about: ABOUT_META };

export function formatRecord(record: MultipaxosRecord): string {
  switch (record.kind) {
    case "promised":
      return `promised ${formatBallot(record.ballot)}`;
    case "accepted":
      return `accepted ${formatBallot(record.ballot)} ${formatValues(record)}`;
    case "learned":
      return `learned ${formatValues(record)}`;
    case "chosen":
      return `chosen ${record.chosenUpTo}`;
    case "stopped":
      return `stopped ${record.slot}`;
    case "impaired":
      return "impaired";
    case "faulty": {
      const { first, last, ballot: upTo } = record;
      return `faulty ${formatBallot(upTo)} ${first}..${last}`;
    }
    case "meta": {
      const { promised, compactedUpTo, stoppedAt, impaired } = record;
      const rest = `${stoppedAt > 0 ? ` stopped ${stoppedAt}` : ""}${impaired ? " impaired" : ""}`;
      return `meta ${formatBallot(promised)} compacted ${compactedUpTo}${rest}`;
    }
    default:
      return assertNever(record);
  }
}

function formatValues(record: { first: Slot; values: readonly Uint8Array[] }): string {
  return `${record.first}:[${record.values.map(formatValue).join(" ")}]`;
}

function formatJournal({ record }: JournalRecord): string {
  const decoded = decodeRecord(record);
  return decoded === null ? "unreadable" : formatRecord(decoded);
}

function formatEffect(effect: Effect<MultipaxosMessage>): string {
  switch (effect.kind) {
    case "persist":
    case "note":
      return `${effect.kind} ${formatJournal(effect)}`;
    case "checkpoint":
      return `checkpoint ${effect.records.map(formatJournal).join(" | ")}`;
    case "send":
    case "sendNow":
      return `${effect.kind} ${effect.to.join(",")}: ${formatMessage(effect.message)}`;
    case "deliver":
      return `deliver ${effect.position.index}: ${formatCommands(effect.commands)}`;
    case "release": {
      const all = effect.requests === "all";
      const names = all ? "all" : formatCommands(effect.requests as readonly Command[]);
      return `release ${effect.outcome} ${names}`;
    }
    case "readable":
      return `readable ${effect.reads.join(",")} at ${effect.position.index}`;
    case "requestState":
      return `requestState ${effect.position.index} from ${effect.from.join(",")}`;
    default:
      return effect.kind;
  }
}

function formatCommands(commands: readonly { client: string; sequence: number }[]): string {
  if (commands.length === 0) return "-";
  return commands.map(({ client, sequence }) => `${client}#${sequence}`).join("+");
}

/** What a replica says must survive the wire. */
function checkCodec(message: MultipaxosMessage): void {
  const writer = new Writer();
  multipaxos.messages.encode(writer, message);
  const decoded = multipaxos.messages.decode(new Reader(writer.take()));
  invariant(decoded !== null, `${message.kind} does not survive its codec`);
  invariant(formatMessage(decoded) === formatMessage(message), `${message.kind} changes`);
}
