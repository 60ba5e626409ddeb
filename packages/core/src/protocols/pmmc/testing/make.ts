import {
  type Ballot,
  type Command,
  EMPTY_FOOTPRINT,
  type NodeId,
  Writer,
  writeCommands,
} from "@synod/core";
import { encodeReconfiguration } from "../epochs.ts";
import type { PmmcMessage, Pvalue } from "../messages.ts";
import { SLOT_MAX } from "../messages.ts";

/** Two replicas, two leaders, three acceptors on members of their own: what f = 1 asks for. */
export const APART: readonly (readonly string[])[] = [
  ["replica"],
  ["replica"],
  ["leader"],
  ["leader"],
  ["acceptor"],
  ["acceptor"],
  ["acceptor"],
];

/** Three members that hold all roles. */
export const COLOCATED: readonly (readonly string[])[] = [[], [], []];

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

/** From epoch `number` on, these lead and these accept. */
export function configure(
  number: number,
  leaders: readonly NodeId[],
  acceptors: readonly NodeId[],
): Command {
  const payload = encodeReconfiguration({ number, leaders, acceptors });
  return { ...command(`config#${number}`), kind: "configure", payload };
}

/** Encoded requests, as in `a#1+b#1`; `-` is a no-op. */
export function value(text: string): Uint8Array {
  return text === "-" ? new Uint8Array(0) : batch(text.split("+").map(command));
}

export function batch(commands: readonly Command[]): Uint8Array {
  const writer = new Writer();
  writeCommands(writer, commands);
  return writer.take();
}

export function p1a(of: string, first = 1): PmmcMessage {
  return { kind: "p1a", ballot: ballot(of), first };
}

export function p1b(
  of: string,
  pvalues: readonly Pvalue[] = [],
  rest: { readonly first?: number; readonly last?: number; readonly gcSlot?: number } = {},
): PmmcMessage {
  const { first = 1, last = SLOT_MAX, gcSlot = 0 } = rest;
  return { kind: "p1b", ballot: ballot(of), first, last, gcSlot, pvalues };
}

/** `pvalue("1.0", 3, "a#1")`. */
export function pvalue(of: string, slot: number, text: string, epoch = 0): Pvalue {
  return { ballot: ballot(of), slot, epoch, value: value(text) };
}

export function p2a(of: string, slot: number, text: string, epoch = 0): PmmcMessage {
  return { kind: "p2a", ...pvalue(of, slot, text, epoch) };
}

/** By default the answer of an acceptor that has accepted. */
export function p2b(commander: string, slot: number, at = commander, gcSlot = 0): PmmcMessage {
  return { kind: "p2b", commander: ballot(commander), ballot: ballot(at), slot, gcSlot };
}

export function propose(slot: number, text: string, passedOn = false): PmmcMessage {
  return { kind: "propose", slot, value: value(text), passedOn, epochs: [] };
}

export function decision(slot: number, of: string, text: string | null): PmmcMessage {
  return { kind: "decision", slot, ballot: ballot(of), value: text === null ? null : value(text) };
}

export function report(stableUpTo: number, decidedUpTo: number): PmmcMessage {
  return { kind: "report", stableUpTo, decidedUpTo };
}
