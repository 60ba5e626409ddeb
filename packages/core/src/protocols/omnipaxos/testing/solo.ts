import {
  type About,
  type Ballot,
  type Command,
  type Effect,
  EMPTY_FOOTPRINT,
  formatBallot,
  invariant,
  type JournalRecord,
  majority,
  type NodeId,
  type QuorumSystem,
  type Slot,
  Writer,
  writeCommands,
} from "@synod/core";
import { campaign } from "../candidate.ts";
import { formatClaim, formatMessage, formatValue } from "../format.ts";
import { replicaProblem } from "../invariants.ts";
import type { OmniPaxosMessage, PromiseMessage, SequenceMessage } from "../messages.ts";
import { decodeRecord, journalRecord, type OmniPaxosRecord } from "../records.ts";
import { onRecover } from "../recovery.ts";
import { onSequenceInput, type SequenceInput, sequenceStep } from "../sequence-paxos.ts";
import { createSequence } from "../state.ts";

/**
 * Sequence Paxos alone, its inputs given by hand. Each answers with its effects, one readable line
 * each, in order: a test states all that a step does. Timers and observations are kept apart.
 */
export interface SoloOptions {
  readonly self?: NodeId;
  readonly size?: number;
  readonly quorums?: QuorumSystem;
  readonly tuning?: Readonly<Record<string, number>>;
  readonly voter?: boolean;
  readonly records?: readonly (OmniPaxosRecord | JournalRecord)[];
  readonly missing?: readonly About[] | "unnamed";
  readonly delivered?: Slot;
}

export type Solo = ReturnType<typeof createSolo>;

export function createSolo(options: SoloOptions = {}) {
  const self = options.self ?? 0;
  const members = Array.from({ length: options.size ?? 3 }, (_, id) => id);
  const state = createSequence({
    self,
    members,
    quorums: options.quorums ?? majority(members),
    seed: 1,
    roles: [],
    tuning: options.tuning ?? {},
  });
  const timers = new Map<string, number>();
  const observed: string[] = [];
  /** What was sent to oneself and has not come back from the disk yet. */
  const loopback: OmniPaxosMessage[] = [];

  function take(change: (out: Effect<OmniPaxosMessage>[]) => void): string[] {
    const out: Effect<OmniPaxosMessage>[] = [];
    sequenceStep(state, out, () => change(out));
    const lines: string[] = [];
    for (const effect of out) {
      if (effect.kind === "timer") {
        timers.delete(effect.name);
        if (effect.ms !== null) timers.set(effect.name, effect.ms);
      } else if (effect.kind === "observe") observed.push(effect.event);
      else lines.push(formatEffect(effect));
      if (effect.kind === "send" && effect.to.includes(self)) loopback.push(effect.message);
    }
    const problem = replicaProblem(state);
    invariant(problem === null, problem ?? "");
    return lines;
  }

  const input = (what: SequenceInput): string[] => take((out) => onSequenceInput(state, out, what));
  const message = (from: NodeId, what: SequenceMessage): string[] =>
    input({ kind: "message", from, message: what });

  /** The disk has everything: messages to oneself come back, and what they cause likewise. */
  function durable(): string[] {
    const lines: string[] = [];
    for (let next = loopback.shift(); next !== undefined; next = loopback.shift())
      lines.push(...message(self, next as SequenceMessage));
    return lines;
  }

  if (options.records !== undefined)
    onRecover(
      state,
      options.records.map((record) => ("about" in record ? record : journalRecord(record))),
    );
  const started = input({
    kind: "start",
    missing: options.missing ?? [],
    delivered: { log: 0, index: options.delivered ?? 0 },
    image: new Uint8Array(0),
    incarnation: 1,
    voter: options.voter ?? true,
  });

  return {
    state,
    timers,
    observed,
    started,
    input,
    message,
    durable,
    timeout: (name: string) => input({ kind: "timeout", name }),
    campaign: (of: string) => take((out) => campaign(state, out, ballot(of))),
    propose: (...names: string[]) => input({ kind: "propose", commands: names.map(command) }),
    read: (...reads: number[]) => input({ kind: "read", reads }),
    linkUp: (peer: NodeId) => input({ kind: "linkUp", peer }),
    compact: (index: Slot) => input({ kind: "compact", position: { log: 0, index } }),
    installed: (index: Slot) =>
      input({ kind: "installed", position: { log: 0, index }, image: new Uint8Array(0) }),
    admit: () => input({ kind: "admit" }),
    stop: (name: string) => input({ kind: "stop", command: { ...command(name), kind: "stop" } }),
    /** The log as one line: values by slot, and the ballot that all of it was accepted in. */
    log: () => {
      const held = [...state.log].sort(([a], [b]) => a - b);
      const values = held.map(([slot, bytes]) => `${slot}:${formatValue(bytes)}`);
      return `${values.join(" ")} @${formatBallot(state.acceptedIn)}`;
    },
  };
}

/** A replica that leads in ballot 100.0, and whose follower 1 has accepted its log. */
export function leading(options: SoloOptions = {}): Solo {
  const solo = createSolo(options);
  solo.campaign("100.0");
  solo.durable();
  solo.message(1, promise("100.0", { nonce: 1 }));
  solo.durable();
  solo.message(1, accepted("100.0", solo.state.length));
  invariant(solo.state.role.kind === "leader", "has not become leader");
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

/** Encoded requests, as in `a#1+b#1`. */
export function value(text: string): Uint8Array {
  const writer = new Writer();
  writeCommands(writer, text.split("+").map(command));
  return writer.take();
}

export function prepare(
  of: string,
  acceptedIn = "0.0",
  length = 0,
  chosenUpTo = 0,
): SequenceMessage {
  const asked = { acceptedIn: ballot(acceptedIn), length, chosenUpTo };
  return { kind: "prepare", ballot: ballot(of), ...asked };
}

export function promise(of: string, fields: Partial<PromiseMessage> = {}): PromiseMessage {
  return {
    kind: "promise",
    ballot: ballot(of),
    nonce: 1,
    acceptedIn: ballot("0.0"),
    length: 0,
    chosenUpTo: 0,
    lost: null,
    first: 1,
    values: [],
    ...fields,
  };
}

export function acceptSync(
  of: string,
  nonce: number,
  previous: string,
  first: Slot,
  values: readonly string[],
  chosenUpTo: Slot = 0,
): SequenceMessage {
  const range = { first, values: values.map(value), chosenUpTo };
  return { kind: "acceptSync", ballot: ballot(of), nonce, previous: ballot(previous), ...range };
}

export function accept(
  of: string,
  first: Slot,
  values: readonly string[],
  chosenUpTo: Slot = 0,
): SequenceMessage {
  const range = { first, values: values.map(value), chosenUpTo };
  return { kind: "accept", ballot: ballot(of), previous: ballot(of), ...range };
}

export function accepted(of: string, length: Slot, chosenUpTo: Slot = 0): SequenceMessage {
  return { kind: "accepted", ballot: ballot(of), length, chosenUpTo };
}

export function learn(first: Slot, values: readonly string[]): SequenceMessage {
  const last = first + values.length - 1;
  return { kind: "learn", first, values: values.map(value), chosenUpTo: last };
}

export function synced(of: string, first: Slot, values: readonly string[]): OmniPaxosRecord {
  return { kind: "synced", ballot: ballot(of), first, values: values.map(value) };
}

export function acceptedRecord(
  of: string,
  first: Slot,
  values: readonly string[],
): OmniPaxosRecord {
  return { kind: "accepted", ballot: ballot(of), first, values: values.map(value) };
}

/** Messages as effects show them: nonces are an incarnation's, so they are left out. */
function formatEffect(effect: Effect<OmniPaxosMessage>): string {
  switch (effect.kind) {
    case "persist":
    case "note":
      return `${effect.kind} ${formatRecord(effect)}`;
    case "checkpoint":
      return `checkpoint ${effect.records.map(formatRecord).join(" | ")}`;
    case "send":
    case "sendNow": {
      const text = formatMessage(effect.message).replace(/ nonce=\d+/, "");
      return `${effect.kind} ${effect.to.join(",")}: ${text}`;
    }
    case "deliver":
      return `deliver ${effect.position.index}: ${formatRequests(effect.commands)}`;
    case "release": {
      const all = effect.requests === "all";
      const names = all ? "all" : formatRequests(effect.requests as Command[]);
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

function formatRecord({ record }: { readonly record: Uint8Array }): string {
  const decoded = decodeRecord(record);
  if (decoded === null) return "unreadable";
  if (decoded.kind === "lost") return `lost ${formatClaim(decoded)}`;
  const { kind, ...fields } = decoded;
  const texts = Object.values(fields).map((field) => {
    if (Array.isArray(field)) return `[${field.map(formatValue).join(" ")}]`;
    return typeof field === "object" ? formatBallot(field as Ballot) : String(field);
  });
  return [kind, ...texts].join(" ");
}

function formatRequests(
  commands: readonly { readonly client: string; readonly sequence: number }[],
): string {
  return commands.map(({ client, sequence }) => `${client}#${sequence}`).join("+");
}
