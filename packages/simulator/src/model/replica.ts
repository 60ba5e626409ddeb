import {
  type Effect,
  invariant,
  type JournalRecord,
  type NodeId,
  type Protocol,
  type Slot,
  Writer,
} from "@synod/core";
import { EffectQueue } from "@synod/runtime";
import { cloneData, writeCanonical } from "./canonical.ts";
import { fingerprintOf, formatFingerprint } from "./fingerprint.ts";
import type { ReplicaModelOptions } from "./replica-options.ts";

/**
 * One replica behind the host's own effect queue, as a value. Equal ones are one object, so that
 * they can be compared, and what follows from an input computed once and for all.
 */
export interface Replica<S, M> {
  readonly id: number;
  readonly node: NodeId;
  readonly state: S;
  /** What a crash leaves; of a node that lost its disk, what it had made durable until then. */
  readonly durable: Durable;
  /** False: it has lost its disk. */
  readonly voter: boolean;
  /**
   * Effects from the first record on that no sync has covered; what waits behind it is here too.
   */
  readonly tail: readonly Effect<M>[];
  /** Messages to itself that wait to be steps. */
  readonly loopback: readonly M[];
  /** Timers that are set, in order of their names. */
  readonly armed: readonly string[];
  readonly delivered: readonly Delivered[];
  /** How often each timer may still fire, in the order of the options. */
  readonly timeouts: readonly number[];
  readonly incarnation: number;
  /** What comes of each event that was tried, by its number. */
  readonly outcomes: Map<number, Outcome<S, M>>;
}

/** A journal; equal ones are one object. */
export interface Durable {
  readonly id: number;
  readonly records: readonly JournalRecord[];
}

export interface Delivered {
  readonly slot: Slot;
  /** Commands as `client#sequence`. */
  readonly text: string;
}

/** What one event does to one replica, whatever the others do. */
export interface Outcome<S, M> {
  readonly replica: Replica<S, M>;
  /** Numbers of the letters that leave. */
  readonly letters: readonly number[];
  readonly problem: string | null;
}

export interface Letter<M> {
  readonly id: number;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: M;
}

/** What may happen to a replica by itself; messages have numbers of their own above these. */
export const SYNC = 0;
export const LOOPBACK = 1;
export const CRASH = 2;
export const WIPE = 3;
export const TIMEOUT = 4;

/** Everything that a replica is, but for what tells it from its equals. */
export type ReplicaParts<S, M> = Omit<Replica<S, M>, "id" | "outcomes">;

/** What leaves a queue while it is used. */
export interface Sink<M> {
  sent: { readonly to: readonly NodeId[]; readonly message: M }[];
  loopback: M[];
  delivered: Delivered[];
  timers: Map<string, boolean>;
}

/** Replicas, journals and letters by what they hold. */
export function createStore<S, M, H>(options: ReplicaModelOptions<S, M, H>) {
  const replicas = new Map<string, Replica<S, M>>();
  const journals = new Map<string, Durable>();
  const letters: Letter<M>[] = [];
  const letterIds = new Map<string, number>();
  const writer = new Writer(4096);
  const words = new Int32Array(4);
  const irrelevant = new Set(options.irrelevant);
  const { messages } = options.protocol;

  function keyOf(...values: readonly unknown[]): string {
    writer.reset();
    for (const value of values) writeCanonical(writer, value, irrelevant);
    fingerprintOf(writer.peek(), words);
    return formatFingerprint(words);
  }

  return {
    letters,
    journal(records: readonly JournalRecord[]): Durable {
      const key = keyOf(records);
      const known = journals.get(key);
      if (known !== undefined) return known;
      const durable = { id: journals.size, records };
      journals.set(key, durable);
      return durable;
    },
    replica(parts: ReplicaParts<S, M>): Replica<S, M> {
      const { node, state, durable, tail, loopback, armed, delivered, timeouts } = parts;
      const { incarnation, voter } = parts;
      const key = keyOf(
        [node, durable.id, incarnation, voter, timeouts, armed, delivered],
        state,
        tail,
        loopback,
      );
      const known = replicas.get(key);
      if (known !== undefined) return known;
      const replica = { ...parts, id: replicas.size, outcomes: new Map() };
      replicas.set(key, replica);
      return replica;
    },
    /** The message as the other side of a wire would read it. */
    letter(from: NodeId, to: NodeId, message: M): number {
      writer.reset();
      writer.u8(from);
      writer.u8(to);
      messages.encode(writer, message);
      const bytes = writer.take();
      fingerprintOf(bytes, words);
      const key = formatFingerprint(words);
      const known = letterIds.get(key);
      if (known !== undefined) return known;
      const decoded = options.decode(bytes.subarray(2));
      invariant(decoded !== null, "a message does not survive its codec");
      const id = letters.length;
      letters.push({ id, from, to, message: decoded });
      letterIds.set(key, id);
      return id;
    },
    replicas: () => replicas.size,
    copy: (state: S): S => cloneData(state, irrelevant),
  };
}

export type Store<S, M> = ReturnType<typeof createStore<S, M, unknown>>;

/** The host's queue as it stands: what waits in it follows from the tail alone. */
export function queueOf<M>(
  node: NodeId,
  tail: readonly Effect<M>[],
  text: (effect: Extract<Effect<M>, { kind: "deliver" }>) => string,
): { queue: EffectQueue<M>; sink: Sink<M> } {
  const sink: Sink<M> = { sent: [], loopback: [], delivered: [], timers: new Map() };
  const nothing = (): void => {};
  const queue = new EffectQueue<M>(node, {
    append: nothing,
    checkpoint: nothing,
    transmit: (to, message) => sink.sent.push({ to, message }),
    loopback: (message) => sink.loopback.push(message),
    deliver: (effect) => sink.delivered.push({ slot: effect.position.index, text: text(effect) }),
    release: nothing,
    readable: nothing,
    requestState: nothing,
    timer: ({ name, ms }) => sink.timers.set(name, ms !== null),
    observe: nothing,
  });
  queue.submit(tail);
  invariant(sink.sent.length + sink.loopback.length === 0, "a send waits for nothing");
  return { queue, sink };
}

/** A blank or restarted replica, with the effects of its first step. */
export function bootState<S, M, H>(
  options: ReplicaModelOptions<S, M, H>,
  node: NodeId,
  records: readonly JournalRecord[],
  incarnation: number,
  voter: boolean,
): { state: S; effects: Effect<M>[] } {
  const { protocol } = options;
  const state = protocol.create(options.settings(node));
  const step = stepOf(protocol, state);
  if (records.length > 0) step({ kind: "recover", records });
  const effects = step({
    kind: "start",
    missing: [],
    delivered: { log: 0, index: 0 },
    image: new Uint8Array(0),
    incarnation,
    voter,
  });
  return { state, effects };
}

export function stepOf<S, M>(
  protocol: Protocol<S, M>,
  state: S,
): (input: Parameters<Protocol<S, M>["step"]>[1]) => Effect<M>[] {
  return (input) => protocol.step(state, input, 0);
}
