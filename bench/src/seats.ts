import {
  type Command,
  EMPTY_FOOTPRINT,
  type Input,
  majority,
  type NodeId,
  type Protocol,
  Reader,
  Writer,
} from "@synod/core";
import { EffectQueue } from "@synod/runtime";

/** One replica behind its queue: no disk, and the others' inboxes for a network. */
export interface Seat<S, M> {
  readonly state: S;
  readonly queue: EffectQueue<M>;
  readonly inbox: Input<M>[];
  /** When each falls due. */
  readonly timers: Map<string, number>;
  executed: number;
  /** Messages to others so far. */
  sent: number;
  /** Their bytes, as far as they were encoded, without what a frame adds. */
  sentBytes: number;
}

export interface TableOptions {
  /** How many replicas sit there. */
  readonly size: number;
  /** Messages go through the codec. */
  readonly encoded: boolean;
}

/** What seats share: who sits there, and the time. */
interface Room {
  readonly members: readonly NodeId[];
  readonly encoded: boolean;
  now: number;
}

/** Blank replicas of one protocol, started; messages arrive at once, and time is only passed. */
export function table<S, M>(protocol: Protocol<S, M>, { size, encoded }: TableOptions) {
  const room: Room = { members: Array.from({ length: size }, (_, id) => id), encoded, now: 0 };
  const seats: Seat<S, M>[] = room.members.map((self) => seat(protocol, self, room, () => seats));
  const feed = (at: Seat<S, M>, input: Input<M>): void => {
    at.queue.submit(protocol.step(at.state, input, room.now));
    at.queue.durable(at.queue.appended);
  };
  const settle = (): void => {
    for (let busy = true; busy; ) {
      busy = false;
      for (const at of seats) {
        for (const input of at.inbox.splice(0)) {
          busy = true;
          feed(at, input);
        }
      }
    }
  };
  /** Lets `ms` pass, and what falls due at these meanwhile fall due in order. */
  const pass = (ms: number, of: readonly Seat<S, M>[]): void => {
    const end = room.now + ms;
    for (let due = nextDue(of, end); due !== null; due = nextDue(of, end)) {
      room.now = Math.max(room.now, due.time);
      due.at.timers.delete(due.name);
      feed(due.at, { kind: "timeout", name: due.name });
      settle();
    }
    room.now = end;
  };
  for (const at of seats) feed(at, START);
  settle();
  return { seats, first: seats[0] as Seat<S, M>, feed, settle, pass };
}

const START: Input<never> = {
  kind: "start",
  missing: [],
  delivered: { log: 0, index: 0 },
  image: new Uint8Array(0),
  incarnation: 1,
  voter: true,
};

interface Due<S, M> {
  readonly at: Seat<S, M>;
  readonly name: string;
  readonly time: number;
}

/** The timer that falls due first, until `end`; of several the one of the first seat. */
function nextDue<S, M>(seats: readonly Seat<S, M>[], end: number): Due<S, M> | null {
  let next: Due<S, M> | null = null;
  for (const at of seats)
    for (const [name, time] of at.timers)
      if (time <= end && (next === null || time < next.time)) next = { at, name, time };
  return next;
}

function seat<S, M>(
  protocol: Protocol<S, M>,
  self: NodeId,
  room: Room,
  seats: () => readonly Seat<S, M>[],
): Seat<S, M> {
  const { members, encoded } = room;
  const inbox: Input<M>[] = [];
  const timers = new Map<string, number>();
  const writer = new Writer(4_096);
  const copy = (message: M): M => {
    if (!encoded) return message;
    writer.reset();
    protocol.messages.encode(writer, message);
    const bytes = writer.take();
    own.sentBytes += bytes.length;
    const read = protocol.messages.decode(new Reader(bytes));
    if (read === null) throw new Error("a message does not survive its codec");
    return read;
  };
  const queue = new EffectQueue<M>(self, {
    append: () => undefined,
    checkpoint: () => undefined,
    transmit: (to, message) => {
      own.sent += to.length;
      for (const node of to)
        seats()[node]?.inbox.push({ kind: "message", from: self, message: copy(message) });
    },
    loopback: (message) => inbox.push({ kind: "message", from: self, message }),
    deliver: ({ commands }) => {
      own.executed += commands.length;
    },
    release: () => undefined,
    readable: () => undefined,
    requestState: () => undefined,
    timer: ({ name, ms }) => (ms === null ? timers.delete(name) : timers.set(name, room.now + ms)),
    observe: () => undefined,
  });
  const roles = members.map(() => []);
  const settings = { self, members, quorums: majority(members), seed: self + 1, roles };
  const state = protocol.create({
    ...settings, // Where a priority counts, the first one leads.
    tuning: { priority: self === members[0] ? 1 : 0 },
  });
  const own: Seat<S, M> = { state, queue, inbox, timers, executed: 0, sent: 0, sentBytes: 0 };
  return own;
}

/** Commands of 256 bytes. */
export function commandsOf(count: number): Command[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: "apply",
    client: "~0.1",
    sequence: index + 1,
    acknowledged: 1,
    origin: 0,
    payload: new Uint8Array(256).fill(index),
    footprint: EMPTY_FOOTPRINT,
  }));
}
