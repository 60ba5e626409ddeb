import type { About, JournalRecord } from "../../../effect.ts";
import type { NodeId } from "../../../ids.ts";
import type { Input, Start } from "../../../protocol.ts";
import { majority } from "../../../quorum.ts";
import { paxos } from "../index.ts";
import type { Out, PaxosMessage } from "../messages.ts";
import { decodeRecord, journalRecord, type PaxosRecord } from "../records.ts";
import type { PaxosState } from "../state.ts";

/** One replica alone; the test is its host and everybody else. */
export interface Solo {
  readonly state: PaxosState;
  /** What starting it wanted done. */
  readonly started: Out;
  step(input: Input<PaxosMessage>): Out;
  hear(from: NodeId, message: PaxosMessage): Out;
}

export interface SoloOptions {
  readonly self?: NodeId;
  readonly size?: number;
  readonly roles?: readonly (readonly string[])[];
  readonly tuning?: Readonly<Record<string, number>>;
  readonly records?: readonly PaxosRecord[];
  /** Records that cannot be read at all. */
  readonly garbage?: readonly Uint8Array[];
  readonly missing?: readonly About[] | "unnamed";
  readonly voter?: boolean;
  readonly delivered?: Start["delivered"];
  readonly image?: Uint8Array;
}

export function solo(options: SoloOptions = {}): Solo {
  const { self = 0, size = 3, roles = [], tuning = {}, records = [], garbage = [] } = options;
  const members = Array.from({ length: size }, (_, id) => id);
  const quorums = majority(members);
  const state = paxos.create({ self, members, quorums, seed: 1, roles, tuning });
  const step = (input: Input<PaxosMessage>): Out => paxos.step(state, input, 0);
  const written: JournalRecord[] = records.map(journalRecord);
  for (const record of garbage) written.push({ record, about: { ...META } });
  if (written.length > 0) step({ kind: "recover", records: written });
  const started = step({
    kind: "start",
    missing: options.missing ?? [],
    delivered: options.delivered ?? { log: 0, index: 0 },
    image: options.image ?? new Uint8Array(0),
    incarnation: 1,
    voter: options.voter ?? true,
  });
  const hear = (from: NodeId, message: PaxosMessage): Out =>
    step({ kind: "message", from, message });
  return { state, started, step, hear };
}

const META: About = { kind: "meta", log: 0, first: 0, last: 0 };

/** Effects in short: what is written, what is said and to whom, which timers are set. */
export function brief(effects: Out): string[] {
  return effects.flatMap((effect) => {
    switch (effect.kind) {
      case "persist":
      case "note":
        return [`${effect.kind} ${decodeRecord(effect.record)?.kind}`];
      case "checkpoint":
        return [`checkpoint ${kindsOf(effect.records).join(" ")}`];
      case "send":
      case "sendNow":
        return [`${effect.kind} ${effect.message.kind} to ${effect.to.join(",")}`];
      case "timer":
        return [`timer ${effect.name}${effect.ms === null ? " off" : ""}`];
      case "release":
        return [`release ${effect.outcome}`];
      case "observe":
        return [];
      default:
        return [effect.kind];
    }
  });
}

function kindsOf(records: readonly JournalRecord[]): string[] {
  return records.map(({ record }) => decodeRecord(record)?.kind ?? "?");
}
