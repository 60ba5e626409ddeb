import {
  type About,
  type Command,
  type Input,
  invariant,
  type JournalRecord,
  majority,
  type NodeId,
  type QuorumSystem,
  Reader,
  Writer,
} from "@synod/core";
import { pmmc } from "../index.ts";
import { memberProblem } from "../invariants.ts";
import type { PmmcMessage } from "../messages.ts";
import { journalRecord, type PmmcRecord } from "../records.ts";
import type { PmmcState } from "../state.ts";
import { formatEffect } from "./format.ts";
import { command, p1b } from "./make.ts";

/**
 * One member whose inputs are given by hand. Each input answers with its effects, one readable line
 * each, in order; timers and observations are kept apart. The codec and what must hold of every
 * member are checked in passing.
 */
export interface SoloOptions {
  readonly self?: NodeId;
  readonly size?: number;
  readonly roles?: readonly (readonly string[])[];
  readonly quorums?: QuorumSystem;
  readonly tuning?: Readonly<Record<string, number>>;
  readonly voter?: boolean;
  readonly records?: readonly (PmmcRecord | JournalRecord)[];
  readonly missing?: readonly About[] | "unnamed";
  readonly delivered?: number;
  readonly image?: Uint8Array;
  readonly now?: number;
}

export type Solo = ReturnType<typeof createSolo>;

export function createSolo(options: SoloOptions = {}) {
  const self = options.self ?? 0;
  const members = Array.from({ length: options.size ?? 3 }, (_, id) => id);
  const roles = options.roles ?? [];
  const acceptors = members.filter(
    (id) => (roles[id] ?? []).length === 0 || roles[id]?.includes("acceptor"),
  );
  const state: PmmcState = pmmc.create({
    self,
    members,
    quorums: options.quorums ?? majority(acceptors),
    seed: 1,
    roles,
    tuning: options.tuning ?? {},
  });
  const timers = new Map<string, number>();
  const observed: string[] = [];
  /** What was sent to oneself and has not come back from the disk yet. */
  const loopback: PmmcMessage[] = [];
  const clock = { now: options.now ?? 0 };

  function input(what: Input<PmmcMessage>): string[] {
    const lines: string[] = [];
    for (const effect of pmmc.step(state, what, clock.now)) {
      if (effect.kind === "timer") {
        timers.delete(effect.name);
        if (effect.ms !== null) timers.set(effect.name, effect.ms);
      }
      if (effect.kind === "observe") observed.push(effect.event);
      const line = formatEffect(effect);
      if (line !== null) lines.push(line);
      if (effect.kind === "send" && effect.to.includes(self)) loopback.push(effect.message);
      if (effect.kind === "send" || effect.kind === "sendNow") checkCodec(effect.message);
      if (effect.kind === "sendNow") invariant(!effect.to.includes(self), "sendNow to oneself");
    }
    const problem = what.kind === "recover" ? null : memberProblem(state);
    invariant(problem === null, problem ?? "");
    return lines;
  }

  const message = (from: NodeId, what: PmmcMessage): string[] =>
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

  /** Begins a ballot and has it adopted by all acceptors, which tell of nothing. */
  function lead(): string[] {
    const lines = [...timeout("scout"), ...durable()];
    for (const from of acceptors) {
      if (state.leader.scout === null) break;
      const { ballot, first } = state.leader.scout;
      if (from !== self)
        lines.push(...message(from, p1b(`${ballot.round}.${ballot.proposer}`, [], { first })));
    }
    invariant(state.leader.active !== null, "does not lead");
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
    image: options.image ?? new Uint8Array(0),
    incarnation: 1,
    voter: options.voter ?? true,
  });

  return {
    state,
    timers,
    observed,
    clock,
    /** Effects of `start`. */
    started,
    input,
    message,
    timeout,
    durable,
    lead,
    propose: (...names: string[]) => input({ kind: "propose", commands: names.map(command) }),
    order: (...commands: Command[]) => input({ kind: "propose", commands }),
    read: (...reads: number[]) => input({ kind: "read", reads }),
    compact: (index: number) => input({ kind: "compact", position: { log: 0, index } }),
  };
}

function checkCodec(message: PmmcMessage): void {
  const writer = new Writer();
  pmmc.messages.encode(writer, message);
  const decoded = pmmc.messages.decode(new Reader(writer.take()));
  invariant(decoded !== null, `${message.kind} does not survive its codec`);
}
