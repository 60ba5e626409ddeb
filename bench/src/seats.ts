import {
  type Command,
  EMPTY_FOOTPRINT,
  type Input,
  majority,
  type Protocol,
  Reader,
  Writer,
} from "@synod/core";
import { EffectQueue } from "@synod/runtime";

/** Who sits at the table. */
export const MEMBERS = [0, 1, 2];

/** One replica behind its queue: no disk, and the others' inboxes for a network. */
export interface Seat<S, M> {
  readonly state: S;
  readonly queue: EffectQueue<M>;
  readonly inbox: Input<M>[];
  readonly timers: Map<string, number>;
  executed: number;
  /** Messages to others so far. */
  sent: number;
}

/** Three blank replicas, started; `encoded`: messages go through the codec. */
export function table<S, M>(protocol: Protocol<S, M>, encoded: boolean) {
  const seats: Seat<S, M>[] = MEMBERS.map((self) => seat(protocol, self, encoded, () => seats));
  let now = 0;
  const feed = (at: Seat<S, M>, input: Input<M>): void => {
    at.queue.submit(protocol.step(at.state, input, now));
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
  const pass = (ms: number): number => {
    now += ms;
    return now;
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

function seat<S, M>(
  protocol: Protocol<S, M>,
  self: number,
  encoded: boolean,
  seats: () => readonly Seat<S, M>[],
): Seat<S, M> {
  const inbox: Input<M>[] = [];
  const timers = new Map<string, number>();
  const writer = new Writer(4_096);
  const copy = (message: M): M => {
    if (!encoded) return message;
    writer.reset();
    protocol.messages.encode(writer, message);
    const read = protocol.messages.decode(new Reader(writer.take()));
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
    timer: ({ name, ms }) => (ms === null ? timers.delete(name) : timers.set(name, ms)),
    observe: () => undefined,
  });
  const roles = MEMBERS.map(() => []);
  const settings = { self, members: MEMBERS, quorums: majority(MEMBERS), seed: self + 1, roles };
  const state = protocol.create({
    ...settings, // Where a priority counts, the first one leads.
    tuning: { priority: self === MEMBERS[0] ? 1 : 0 },
  });
  const own: Seat<S, M> = { state, queue, inbox, timers, executed: 0, sent: 0 };
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
