import type { Writer } from "@synod/core";
import type { Model } from "../explore.ts";
import { createHistories, type Histories } from "./register-history.ts";

/**
 * Actors that only exchange messages, as Stateright's published examples have them, so that its
 * published counts of states say whether our explorer counts right. They count for no protocol of
 * ours.
 *
 * The rules that decide about the counts: messages are a multiset without order; one that changes
 * nothing and is answered by nothing stays where it is; "changes" means that the actor wrote to its
 * state, be it with what was there; what clients asked and were told is part of the state.
 */
export interface Actor<S> {
  start(id: number): Reaction<S>;
  /** Null when the message is ignored. `state: null` leaves it untouched, though it answers. */
  receive(id: number, state: S, from: number, message: RegisterMessage): Reaction<S | null> | null;
}

export interface Reaction<S> {
  readonly state: S;
  readonly sends: readonly (readonly [to: number, message: RegisterMessage])[];
}

/** What clients and servers of a register say; servers among themselves in `internal`. */
export type RegisterMessage =
  | { readonly kind: "put"; readonly request: number; readonly value: string }
  | { readonly kind: "get"; readonly request: number }
  | { readonly kind: "putOk"; readonly request: number }
  | { readonly kind: "getOk"; readonly request: number; readonly value: string }
  | { readonly kind: "internal"; readonly body: readonly unknown[] };

export interface ActorState {
  /** By actor: the number of its state. */
  readonly actors: readonly number[];
  /** Numbers of the messages in flight, ascending, each as often as it is there. */
  readonly network: readonly number[];
  /** Number of what clients have seen so far. */
  readonly history: number;
}

/** A message by its number. */
export type Delivery = number;

interface Envelope {
  readonly from: number;
  readonly to: number;
  readonly message: RegisterMessage;
}

interface Outcome {
  readonly state: number;
  readonly sends: readonly number[];
}

/** A register served by `servers` actors, with clients that each put once and then get once. */
export function registerModel<S>(
  server: (peers: readonly number[]) => Actor<S>,
  counts: { readonly clients: number; readonly servers: number },
): Model<ActorState, Delivery> {
  const ids = Array.from({ length: counts.servers + counts.clients }, (_, id) => id);
  const servers = ids.slice(0, counts.servers);
  const actors = ids.map((id): Actor<unknown> => {
    if (id >= counts.servers) return createClient(counts.servers);
    return server(servers.filter((other) => other !== id)) as Actor<unknown>;
  });
  const states = createNumbers<unknown>();
  const envelopes = createNumbers<Envelope>();
  const outcomes: Map<number, Outcome | null>[] = [];
  const histories = createHistories();

  function post(from: number, sends: Reaction<unknown>["sends"]): number[] {
    return sends.map(([to, message]) => envelopes.of({ from, to, message }));
  }

  function outcome(id: number, state: number, letter: number): Outcome | null {
    outcomes[state] ??= new Map();
    const known = (outcomes[state] as Map<number, Outcome | null>).get(letter);
    if (known !== undefined) return known;
    const { from, message } = envelopes.at(letter);
    // The same state of different actors has one number, so the actor is part of it.
    const held = (states.at(state) as readonly [number, unknown])[1];
    const reaction = (actors[id] as Actor<unknown>).receive(id, held, from, message);
    const found =
      reaction === null
        ? null
        : {
            state: reaction.state === null ? state : states.of([id, reaction.state]),
            sends: post(id, reaction.sends),
          };
    (outcomes[state] as Map<number, Outcome | null>).set(letter, found);
    return found;
  }

  const started = actors.map((actor, id) => actor.start(id));
  const first = started.flatMap(({ sends }, id) => post(id, sends));
  return {
    initial: [
      {
        actors: started.map(({ state }, id) => states.of([id, state])),
        network: first.toSorted((a, b) => a - b),
        history: first.reduce((at, letter) => recorded(histories, at, envelopes, letter, "out"), 0),
      },
    ],
    actions: ({ network }) => network.filter((letter, at) => network[at - 1] !== letter),
    apply(before, letter) {
      const { to } = envelopes.at(letter);
      const found = outcome(to, before.actors[to] as number, letter);
      if (found === null) return null;
      const network = before.network.toSpliced(before.network.indexOf(letter), 1);
      let history = recorded(histories, before.history, envelopes, letter, "in");
      for (const sent of found.sends)
        history = recorded(histories, history, envelopes, sent, "out");
      network.push(...found.sends);
      return {
        actors: before.actors.with(to, found.state),
        network: network.sort((a, b) => a - b),
        history,
      };
    },
    fingerprint(writer: Writer, state) {
      for (const actor of state.actors) writer.u32(actor);
      writer.u32(state.history);
      for (const letter of state.network) writer.u32(letter);
    },
    check: (state) => (histories.linearizable(state.history) ? null : "not linearizable"),
    describe(_state, letter) {
      const { from, to, message } = envelopes.at(letter);
      return `${from} > ${to} ${JSON.stringify(message)}`;
    },
  };
}

/** Clients ask when they send, and are told when they receive. */
function recorded(
  histories: Histories,
  history: number,
  envelopes: Numbers<Envelope>,
  letter: number,
  way: "in" | "out",
): number {
  const { from, to, message } = envelopes.at(letter);
  if (way === "out" && message.kind === "put")
    return histories.invoked(history, from, { kind: "write", value: message.value });
  if (way === "out" && message.kind === "get")
    return histories.invoked(history, from, { kind: "read" });
  if (way === "in" && message.kind === "putOk") return histories.returned(history, to, null);
  if (way === "in" && message.kind === "getOk")
    return histories.returned(history, to, message.value);
  return history;
}

interface Client {
  readonly awaiting: number | null;
  readonly operations: number;
}

function createClient(servers: number): Actor<Client> {
  return {
    start: (id) => ({
      state: { awaiting: id, operations: 1 },
      sends: [[id % servers, { kind: "put", request: id, value: letterOf(id - servers) }]],
    }),
    receive(id, { awaiting, operations }, _from, message) {
      if (message.kind === "putOk" && message.request === awaiting) {
        const request = (operations + 1) * id;
        return {
          state: { awaiting: request, operations: operations + 1 },
          sends: [[(id + operations) % servers, { kind: "get", request }]],
        };
      }
      if (message.kind !== "getOk" || message.request !== awaiting) return null;
      return { state: { awaiting: null, operations: operations + 1 }, sends: [] };
    },
  };
}

function letterOf(index: number): string {
  return String.fromCharCode(65 + index);
}

interface Numbers<T> {
  of(value: T): number;
  at(number: number): T;
}

/** Plain values, each kind of which gets one number. */
export function createNumbers<T>(): Numbers<T> {
  const known = new Map<string, number>();
  const values: T[] = [];
  return {
    of(value) {
      const key = JSON.stringify(value);
      const before = known.get(key);
      if (before !== undefined) return before;
      known.set(key, values.length);
      values.push(value);
      return values.length - 1;
    },
    at: (number) => values[number] as T,
  };
}
