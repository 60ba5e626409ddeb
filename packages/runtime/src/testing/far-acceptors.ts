import {
  ABOUT_META,
  assertNever,
  type Command,
  type Effect,
  type Input,
  type JournalRecord,
  type NodeId,
  type Protocol,
  type QuorumSystem,
  Reader,
  type Start,
  Writer,
} from "@synod/core";
import {
  FAR_ACCEPTORS_MESSAGES,
  type Message,
  readVote,
  type Vote,
  writeVote,
} from "./far-acceptors-messages.ts";

/**
 * Paxos with its roles on different nodes, to keep the host honest about members without a state
 * machine: one fixed proposer (the first that has the role) whose ballots are its incarnations,
 * acceptors that hold nothing but votes, and replicas. Acceptors never see `deliver`, `compact` or
 * `installed`; they cut their journal when told that all replicas hold the state durably.
 */
export interface State {
  readonly self: NodeId;
  readonly quorums: QuorumSystem;
  readonly proposer: NodeId;
  readonly acceptors: readonly NodeId[];
  readonly replicas: readonly NodeId[];
  voter: boolean;
  // Acceptor: durable, or on the way to the disk before anybody is told.
  promised: number;
  votes: Map<number, Vote>;
  cut: number;
  // Proposer, in this incarnation only.
  ballot: number;
  promises: Map<NodeId, Extract<Message, { kind: "promise" }>>;
  leads: boolean;
  values: Map<number, Vote>;
  accepts: Map<number, Set<NodeId>>;
  nextSlot: number;
  stable: Map<NodeId, number>;
  // Replica.
  chosen: Map<number, readonly Command[]>;
  delivered: number;
  durable: number;
}

type Effects = Effect<Message>[];
const AGAIN_MS = 100;
const WINDOW = 50;
const NO_IMAGE = new Uint8Array(0);

// Kinds of records.
const META = 0;
const ACCEPTED = 1;
const CHOSEN = 2;

export const farAcceptors: Protocol<State, Message> = {
  name: "far-acceptors",
  capabilities: {
    order: "total",
    logs: "one",
    stop: "host",
    reads: "none",
    leader: true,
    roles: ["proposer", "acceptor", "replica"],
    learner: "replica",
  },
  messages: FAR_ACCEPTORS_MESSAGES,
  create: ({ self, members, quorums, roles }) => {
    const having = (role: string): NodeId[] =>
      members.filter(
        (_, index) => (roles[index] ?? []).length === 0 || roles[index]?.includes(role),
      );
    return {
      self,
      quorums,
      proposer: having("proposer")[0] as NodeId,
      acceptors: having("acceptor"),
      replicas: having("replica"),
      voter: false,
      promised: 0,
      votes: new Map(),
      cut: 0,
      ballot: 0,
      promises: new Map(),
      leads: false,
      values: new Map(),
      accepts: new Map(),
      nextSlot: 1,
      stable: new Map(),
      chosen: new Map(),
      delivered: 0,
      durable: 0,
    };
  },
  step: (state, input) => {
    const out: Effects = [];
    onInput(state, input, out);
    return out;
  },
  status: (state) => ({
    role: state.self === state.proposer ? "proposer" : "member",
    leader: state.proposer,
    ballot: `${state.ballot}`,
    chosenUpTo: state.delivered,
    compactedUpTo: state.cut,
    voter: state.voter,
    detail: { votes: state.votes.size },
  }),
};

function onInput(state: State, input: Input<Message>, out: Effects): void {
  switch (input.kind) {
    case "message":
      return onMessage(state, input.from, input.message, out);
    case "timeout":
    case "linkUp":
      return again(state, out);
    case "propose":
      return propose(state, input.commands, out);
    case "stop":
      return propose(state, [input.command], out);
    case "recover":
      for (const { record } of input.records) recover(state, new Reader(record));
      return;
    case "start":
      return start(state, input, out);
    case "admit":
      state.voter = true;
      return;
    case "compact":
    case "installed":
      state.durable = Math.max(state.durable, input.position.index);
      state.delivered = Math.max(state.delivered, input.position.index);
      out.push({ kind: "checkpoint", records: acceptorRecords(state) });
      learn(state, out);
      return again(state, out);
    case "read":
      return;
    default:
      return assertNever(input);
  }
}

function onMessage(state: State, from: NodeId, message: Message, out: Effects): void {
  switch (message.kind) {
    case "forward":
      return propose(state, message.commands, out);
    case "prepare":
      return onPrepare(state, from, message.ballot, out);
    case "promise":
      return onPromise(state, from, message, out);
    case "accept":
      return onAccept(state, from, message, out);
    case "accepted":
      return onAccepted(state, from, message, out);
    case "chosen":
      return onChosen(state, message, out);
    case "ask":
      return onAsk(state, from, message, out);
    case "gone": {
      const others = state.replicas.filter((node) => node !== state.self);
      out.push({ kind: "requestState", position: at(state.delivered + 1), from: others });
      return;
    }
    case "forget":
      return onForget(state, message.slot, out);
    default:
      return assertNever(message);
  }
}

// Acceptor

function onPrepare(state: State, from: NodeId, ballot: number, out: Effects): void {
  if (!state.voter || ballot < state.promised) return;
  state.promised = ballot;
  out.push({ kind: "persist", ...metaRecord(state) });
  const votes = [...state.votes.values()];
  out.push({
    kind: "send",
    to: [from],
    message: { kind: "promise", ballot, cut: state.cut, votes },
  });
}

function onAccept(state: State, from: NodeId, vote: Vote, out: Effects): void {
  const { ballot, slot, commands } = vote;
  if (!state.voter || ballot < state.promised || slot <= state.cut) return;
  state.promised = ballot;
  if (state.votes.get(slot)?.ballot !== ballot) {
    state.votes.set(slot, { ballot, slot, commands });
    out.push({ kind: "persist", ...voteRecord(ACCEPTED, { ballot, slot, commands }) });
  }
  out.push({ kind: "send", to: [from], message: { kind: "accepted", ballot, slot } });
}

/** Nobody tells an acceptor to compact: it knows by itself when it may. */
function onForget(state: State, slot: number, out: Effects): void {
  if (slot <= state.cut || !state.acceptors.includes(state.self)) return;
  state.cut = slot;
  for (const old of [...state.votes.keys()]) if (old <= slot) state.votes.delete(old);
  out.push({ kind: "checkpoint", records: acceptorRecords(state) });
}

// Proposer

function propose(state: State, commands: readonly Command[], out: Effects): void {
  if (state.self !== state.proposer) {
    out.push({ kind: "sendNow", to: [state.proposer], message: { kind: "forward", commands } });
  } else if (state.leads) choose(state, state.nextSlot, commands, out);
}

function choose(state: State, slot: number, commands: readonly Command[], out: Effects): void {
  const vote = { ballot: state.ballot, slot, commands };
  state.values.set(slot, vote);
  state.accepts.set(slot, new Set());
  state.nextSlot = Math.max(state.nextSlot, slot + 1);
  tell(state, state.acceptors, { kind: "accept", ...vote }, out);
}

/** `sendNow` to others, to oneself by way of the disk. */
function tell(state: State, to: readonly NodeId[], message: Message, out: Effects): void {
  const others = to.filter((node) => node !== state.self);
  if (others.length > 0) out.push({ kind: "sendNow", to: others, message });
  if (others.length < to.length) out.push({ kind: "send", to: [state.self], message });
}

function onPromise(
  state: State,
  from: NodeId,
  message: Extract<Message, { kind: "promise" }>,
  out: Effects,
): void {
  if (message.ballot !== state.ballot || state.leads) return;
  state.promises.set(from, message);
  if (!state.quorums.isPhase1(new Set(state.promises.keys()))) return;
  const promises = [...state.promises.values()];
  const cut = Math.max(...promises.map((promise) => promise.cut));
  state.leads = true;
  state.nextSlot = Math.max(state.delivered, cut) + 1;
  const best = new Map<number, Vote>();
  for (const vote of promises.flatMap((promise) => promise.votes))
    if (vote.ballot > (best.get(vote.slot)?.ballot ?? 0)) best.set(vote.slot, vote);
  const last = Math.max(0, ...best.keys());
  for (let slot = cut + 1; slot <= last; slot += 1)
    choose(state, slot, best.get(slot)?.commands ?? [], out);
}

function onAccepted(
  state: State,
  from: NodeId,
  message: Extract<Message, { kind: "accepted" }>,
  out: Effects,
): void {
  const votes = state.accepts.get(message.slot);
  if (message.ballot !== state.ballot || votes === undefined) return;
  votes.add(from);
  if (!state.quorums.isPhase2(votes)) return;
  state.accepts.delete(message.slot);
  const vote = state.values.get(message.slot) as Vote;
  tell(state, state.replicas, { kind: "chosen", ...vote }, out);
}

function onAsk(
  state: State,
  from: NodeId,
  message: Extract<Message, { kind: "ask" }>,
  out: Effects,
): void {
  if (!state.leads) return;
  state.stable.set(from, message.stable);
  forget(state, out);
  const end = Math.min(state.nextSlot, message.slot + WINDOW);
  for (let slot = message.slot; slot < end; slot += 1) {
    const vote = state.values.get(slot);
    if (vote === undefined) return tell(state, [from], { kind: "gone" }, out);
    if (!state.accepts.has(slot)) tell(state, [from], { kind: "chosen", ...vote }, out);
  }
}

/** Once every replica has the state durably, in a snapshot, nobody needs the slots below. */
function forget(state: State, out: Effects): void {
  if (state.replicas.some((node) => !state.stable.has(node))) return;
  const slot = Math.min(...state.stable.values());
  for (const old of [...state.values.keys()]) if (old <= slot) state.values.delete(old);
  tell(state, state.acceptors, { kind: "forget", slot }, out);
}

// Replica

/**
 * Noted, so that a restart need not ask for it again. It is also what makes the journal of a member
 * that accepts nothing grow, and with it the host's wish for a snapshot.
 */
function onChosen(state: State, vote: Vote, out: Effects): void {
  if (vote.slot <= state.delivered || state.chosen.has(vote.slot)) return;
  state.chosen.set(vote.slot, vote.commands);
  out.push({ kind: "note", ...voteRecord(CHOSEN, vote) });
  learn(state, out);
}

function learn(state: State, out: Effects): void {
  for (const old of [...state.chosen.keys()]) if (old <= state.delivered) state.chosen.delete(old);
  for (;;) {
    const commands = state.chosen.get(state.delivered + 1);
    if (commands === undefined) return;
    state.delivered += 1;
    state.chosen.delete(state.delivered);
    const position = at(state.delivered);
    out.push({ kind: "deliver", position, commands, image: NO_IMAGE });
  }
}

// All

function start(state: State, input: Start, out: Effects): void {
  state.voter = input.voter && input.missing.length === 0;
  state.delivered = input.delivered.index;
  state.durable = input.delivered.index;
  state.ballot = input.incarnation;
  learn(state, out);
  again(state, out);
}

/** Whatever may have been lost is said again. */
function again(state: State, out: Effects): void {
  if (state.self === state.proposer && !state.leads)
    tell(state, state.acceptors, { kind: "prepare", ballot: state.ballot }, out);
  for (const slot of [...state.accepts.keys()].slice(0, WINDOW))
    tell(state, state.acceptors, { kind: "accept", ...(state.values.get(slot) as Vote) }, out);
  const ask: Message = { kind: "ask", slot: state.delivered + 1, stable: state.durable };
  if (state.replicas.includes(state.self)) tell(state, [state.proposer], ask, out);
  out.push({ kind: "timer", name: "again", ms: AGAIN_MS });
}

function at(index: number): { log: number; index: number } {
  return { log: 0, index };
}

function acceptorRecords(state: State): JournalRecord[] {
  const votes = [...state.votes.values()].map((vote) => voteRecord(ACCEPTED, vote));
  return [metaRecord(state), ...votes];
}

function metaRecord({ promised, cut }: State): JournalRecord {
  const writer = new Writer();
  writer.u8(META);
  writer.u53(promised);
  writer.u53(cut);
  return { record: writer.take(), about: ABOUT_META };
}

function voteRecord(kind: number, vote: Vote): JournalRecord {
  const writer = new Writer();
  writer.u8(kind);
  writeVote(writer, vote);
  const { slot } = vote;
  return { record: writer.take(), about: { kind: "slots", log: 0, first: slot, last: slot } };
}

function recover(state: State, reader: Reader): void {
  const kind = reader.u8();
  if (kind === META) {
    state.promised = Math.max(state.promised, reader.u53());
    state.cut = reader.u53();
    return;
  }
  const vote = readVote(reader) as Vote;
  if (kind === CHOSEN) {
    state.chosen.set(vote.slot, vote.commands);
    return;
  }
  state.promised = Math.max(state.promised, vote.ballot);
  state.votes.set(vote.slot, vote);
}
