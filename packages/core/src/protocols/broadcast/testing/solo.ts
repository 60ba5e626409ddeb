import {
  type Command,
  type Effect,
  type Input,
  majority,
  type NodeId,
  type Slot,
} from "@synod/core";
import { commandOf } from "../../paxos/testing/model.ts";
import { formatMessage } from "../format.ts";
import { broadcast } from "../index.ts";
import { replicaProblem } from "../invariants.ts";
import type { BroadcastMessage, InstanceMessage } from "../messages.ts";
import type { BroadcastState } from "../state.ts";

/** One replica played by hand; its own messages come back to it as soon as it has sent them. */
export interface Solo {
  readonly state: BroadcastState;
  /** Effects of the latest input, and of the messages to itself that came of it. */
  readonly effects: readonly Effect<BroadcastMessage>[];
  input(what: Input<BroadcastMessage>): void;
  hear(from: NodeId, message: BroadcastMessage): void;
  /** A message of the instance in a slot. */
  decree(from: NodeId, slot: Slot, message: InstanceMessage): void;
  propose(...names: string[]): void;
  timeout(name: string): void;
  /** What the latest input made it say to others, in words. */
  said(): string[];
  /** What it delivered since the beginning, as `slot: names`. */
  readonly delivered: string[];
}

export interface SoloOptions {
  readonly self?: NodeId;
  readonly size?: number;
  readonly tuning?: Readonly<Record<string, number>>;
  readonly voter?: boolean;
  readonly roles?: readonly (readonly string[])[];
}

export function createSolo(options: SoloOptions = {}): Solo {
  const { self = 0, size = 3, tuning = {}, voter = true, roles = [] } = options;
  const members = Array.from({ length: size }, (_, id) => id);
  const quorums = majority(members.filter((id) => roles[id]?.includes("acceptor") !== false));
  const state = broadcast.create({ self, members, quorums, seed: 1, roles, tuning });
  const delivered: string[] = [];
  let effects: Effect<BroadcastMessage>[] = [];

  function step(what: Input<BroadcastMessage>): void {
    const made = broadcast.step(state, what, 0);
    const problem = replicaProblem(state);
    if (problem !== null) throw new Error(problem);
    effects.push(...made);
    for (const effect of made) {
      if (effect.kind === "deliver") delivered.push(told(effect.position.index, effect.commands));
      if (effect.kind !== "send" || !effect.to.includes(self)) continue;
      step({ kind: "message", from: self, message: effect.message });
    }
  }

  function input(what: Input<BroadcastMessage>): void {
    effects = [];
    step(what);
  }

  input({
    kind: "start",
    missing: [],
    delivered: { log: 0, index: 0 },
    image: new Uint8Array(0),
    incarnation: 1,
    voter,
  });
  return {
    state,
    get effects() {
      return effects;
    },
    delivered,
    input,
    hear: (from, message) => input({ kind: "message", from, message }),
    decree: (from, slot, message) =>
      input({ kind: "message", from, message: { kind: "decree", slot, message } }),
    propose: (...names) => input({ kind: "propose", commands: names.map(commandOf) }),
    timeout: (name) => input({ kind: "timeout", name }),
    said: () =>
      effects.flatMap((effect) => {
        if (effect.kind !== "send" && effect.kind !== "sendNow") return [];
        const others = effect.to.filter((id) => id !== self);
        return others.length === 0 ? [] : [`${others.join(",")}: ${formatMessage(effect.message)}`];
      }),
  };
}

function told(slot: Slot, commands: readonly Command[]): string {
  return `${slot}: ${commands.map(({ client, sequence }) => `${client}#${sequence}`).join(" ")}`;
}
