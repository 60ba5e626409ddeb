import type { Deliver, Effect, Input, JournalRecord } from "@synod/core";
import { assertNever, invariant } from "@synod/core";
import {
  bootState,
  CRASH,
  LOOPBACK,
  type Outcome,
  queueOf,
  type Replica,
  type Sink,
  type Store,
  SYNC,
  stepOf,
  TIMEOUT,
  WIPE,
} from "./replica.ts";
import type { ReplicaModelOptions } from "./replica-options.ts";

/**
 * What one event does to one replica. Replicas share nothing but messages, so this does not depend
 * on the rest of the configuration: each outcome is computed once, by a step of the real core
 * behind the real queue, and looked up ever after.
 */
export interface Events<S, M> {
  boot(node: number): Replica<S, M>;
  /** By number: see `SYNC` and its kin; from `firstLetter` on, the arrival of letters. */
  outcome(replica: Replica<S, M>, event: number): Outcome<S, M>;
  /** Numbers of the events that can happen to it by itself, crashes apart. */
  own(replica: Replica<S, M>): readonly number[];
  readonly timers: readonly string[];
  readonly firstLetter: number;
}

export function createEvents<S, M, H>(
  options: ReplicaModelOptions<S, M, H>,
  store: Store<S, M>,
): Events<S, M> {
  const { protocol, invariants } = options;
  const timers = Object.keys(options.timeouts).sort();
  const firstLetter = TIMEOUT + timers.length;

  function outcome(replica: Replica<S, M>, event: number): Outcome<S, M> {
    const known = replica.outcomes.get(event);
    if (known !== undefined) return known;
    const found = compute(replica, event);
    replica.outcomes.set(event, found);
    return found;
  }

  function compute(replica: Replica<S, M>, event: number): Outcome<S, M> {
    if (event === SYNC) return sync(replica);
    if (event === CRASH) return restart(replica);
    if (event === WIPE) return restart({ ...replica, voter: false });
    if (event === LOOPBACK) {
      const [message, ...loopback] = replica.loopback;
      if (message === undefined) return invariant(false, "no message to itself") as never;
      return input({ ...replica, loopback }, { kind: "message", from: replica.node, message });
    }
    if (event < firstLetter) {
      const index = event - TIMEOUT;
      const name = timers[index] as string;
      const timeouts = replica.timeouts.map((left, at) => (at === index ? left - 1 : left));
      const armed = replica.armed.filter((other) => other !== name);
      return input({ ...replica, timeouts, armed }, { kind: "timeout", name });
    }
    const letter = store.letters[event - firstLetter];
    if (letter === undefined) return invariant(false, `no event ${event}`) as never;
    return input(replica, { kind: "message", from: letter.from, message: letter.message });
  }

  /** One step of a copy of the replica; what it wants done goes through the real queue. */
  function input(before: Replica<S, M>, what: Input<M>): Outcome<S, M> {
    const state = store.copy(before.state);
    let effects: Effect<M>[];
    try {
      effects = stepOf(protocol, state)(what);
    } catch (error) {
      return { replica: before, letters: [], problem: `it throws: ${(error as Error).message}` };
    }
    return submitted({ ...before, state }, effects);
  }

  function submitted(before: Replica<S, M>, effects: readonly Effect<M>[]): Outcome<S, M> {
    const { queue, sink } = queueOf(before.node, before.tail, textOf);
    queue.submit(effects);
    const tail = tailAfter(before.tail, effects);
    const waiting = tail.filter((effect) => effect.kind === "send").length;
    invariant(waiting === queue.waiting, "the model and the queue disagree on what waits");
    return done({ ...before, tail }, sink);
  }

  /** The next barrier becomes durable, with the notes before it; what waited for it leaves. */
  function sync(before: Replica<S, M>): Outcome<S, M> {
    const { queue, sink } = queueOf(before.node, before.tail, textOf);
    const barrier = before.tail.findIndex(isBarrier);
    const covered = barrier < 0 ? before.tail.length : barrier + 1;
    queue.durable(Math.min(queue.appended, 1));
    const rest = before.tail.slice(covered);
    let next = rest.findIndex(isBarrier);
    if (next < 0) next = rest.length;
    const tail = rest.filter((effect, at) => at >= next || effect.kind !== "send");
    const synced = before.tail.slice(0, covered);
    // Without a vote there is nothing that anybody relies on.
    const durable = before.voter
      ? store.journal(written(before.durable.records, synced))
      : before.durable;
    return done({ ...before, durable, tail }, sink);
  }

  function restart(before: Replica<S, M>): Outcome<S, M> {
    const incarnation = before.incarnation + 1;
    const { node, voter } = before;
    const records = voter ? before.durable.records : [];
    const { state, effects } = bootState(options, node, records, incarnation, voter);
    const blank = { tail: [], loopback: [], armed: [], delivered: [] };
    const started = submitted({ ...before, ...blank, state, incarnation }, effects);
    const commands = options.requestsAfterCrash?.[node] ?? [];
    if (commands.length === 0) return started;
    const asked = input(started.replica, { kind: "propose", commands });
    const letters = [...new Set([...started.letters, ...asked.letters])];
    return { ...asked, letters, problem: started.problem ?? asked.problem };
  }

  /** What the queue let out becomes letters; what they show is compared with what is durable. */
  function done(parts: Replica<S, M>, sink: Sink<M>): Outcome<S, M> {
    const { node } = parts;
    const armed = new Set(parts.armed);
    for (const [name, isSet] of sink.timers)
      if (isSet && timers.includes(name)) armed.add(name);
      else armed.delete(name);
    const history = invariants.history();
    for (const record of parts.durable.records) invariants.onDurable(history, node, record);
    const letters: number[] = [];
    let problem: string | null = null;
    for (const { to, message } of sink.sent) {
      problem ??= invariants.onSent(history, node, message);
      if (options.isLost(message)) continue;
      for (const target of to) letters.push(store.letter(node, target, message));
    }
    const replica = store.replica({
      ...parts,
      loopback: [...parts.loopback, ...sink.loopback],
      armed: [...armed].sort(),
      delivered: [...parts.delivered, ...sink.delivered],
    });
    return { replica, letters, problem };
  }

  function own(replica: Replica<S, M>): readonly number[] {
    const events: number[] = [];
    if (replica.tail.length > 0) events.push(SYNC);
    if (replica.loopback.length > 0) events.push(LOOPBACK);
    for (const name of replica.armed) {
      const index = timers.indexOf(name);
      if ((replica.timeouts[index] ?? 0) > 0) events.push(TIMEOUT + index);
    }
    return events;
  }

  function boot(node: number): Replica<S, M> {
    const { state, effects } = bootState(options, node, [], 1, true);
    const timeouts = timers.map((name) => options.timeouts[name]?.[node] ?? 0);
    const durable = store.journal([]);
    const empty = { tail: [], loopback: [], armed: [], delivered: [] };
    const blank = { ...empty, node, state, durable, voter: true, timeouts, incarnation: 1 };
    const started = submitted({ ...blank, id: -1, outcomes: new Map() }, effects).replica;
    const commands = options.requests[node] ?? [];
    if (commands.length === 0) return started;
    return input(started, { kind: "propose", commands }).replica;
  }

  return { boot, outcome, own, timers, firstLetter };
}

/** From the first record on that a disk must see: records, and the sends that wait for them. */
function tailAfter<M>(tail: readonly Effect<M>[], effects: readonly Effect<M>[]): Effect<M>[] {
  const after = [...tail];
  let waits = tail.some(isBarrier);
  for (const effect of effects) {
    if (isBarrier(effect)) waits = true;
    const stays = effect.kind === "send" ? waits : effect.kind === "note" || isBarrier(effect);
    if (stays) after.push(effect);
  }
  return after;
}

function isBarrier<M>(effect: Effect<M>): boolean {
  return effect.kind === "persist" || effect.kind === "checkpoint";
}

function written<M>(
  before: readonly JournalRecord[],
  covered: readonly Effect<M>[],
): readonly JournalRecord[] {
  let records = [...before];
  for (const effect of covered) {
    if (effect.kind === "checkpoint") records = [...effect.records];
    else if (effect.kind === "persist" || effect.kind === "note")
      records.push({ record: effect.record, about: effect.about });
  }
  return records;
}

function textOf(effect: Deliver): string {
  return effect.commands.map((c) => `${c.client}#${c.sequence}`).join("+");
}

/** An event in words. */
export function describeEvent<S, M>(
  events: Events<S, M>,
  node: number,
  event: number,
  letter: string | null,
): string {
  switch (event) {
    case SYNC:
      return `sync ${node}`;
    case LOOPBACK:
      return `loopback ${node}`;
    case CRASH:
      return `crash ${node}`;
    case WIPE:
      return `wipe ${node}`;
    default:
      if (event < events.firstLetter) return `timeout ${node} ${events.timers[event - TIMEOUT]}`;
      return letter === null ? assertNever(letter as never) : letter;
  }
}
