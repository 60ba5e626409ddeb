import {
  type Command,
  EMPTY_FOOTPRINT,
  type Input,
  majority,
  type Protocol,
  Reader,
  Writer,
} from "@synod/core";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { EffectQueue } from "@synod/runtime";
import { judge } from "./floors.ts";
import type { Item, Report, RunOptions } from "./report.ts";
import { showSpread, spread } from "./statistics.ts";

const MEMBERS = [0, 1, 2];
const BATCHES = [1, 32, 1_000] as const;

/** What the protocol itself costs: no disk, no network, no codec but that of a batch's commands. */
export const chosen: Item = {
  name: "chosen",
  summary: "commands chosen per second, three replicas in one thread, no disk, no network",
  run: async ({ rounds, quick }: RunOptions): Promise<Report> => {
    const ms = quick ? 200 : 2_000;
    const cases = BATCHES.flatMap((batch) =>
      [false, true].map((encoded) => ({ batch, encoded, rates: [] as number[] })),
    );
    for (let round = 0; round < rounds; round += 1)
      for (const one of cases) one.rates.push(rate(multipaxos, one.batch, one.encoded, ms));
    const rows: string[][] = [];
    const figures: Record<string, number> = {};
    for (const { batch, encoded, rates } of cases) {
      const name = `batches of ${batch}${encoded ? ", messages encoded" : ""}`;
      const all = spread(rates);
      figures[`chosen ${name}`] = all.median;
      rows.push([name, showSpread(all), (1e6 / all.median).toFixed(2), judge(name, all.median)]);
    }
    const head = ["case", "commands/s", "µs/command, all three", "floor"];
    return {
      title: "Commands of 256 bytes chosen, three replicas in one thread",
      head,
      rows,
      figures,
    };
  },
};

interface Seat<S, M> {
  readonly state: S;
  readonly queue: EffectQueue<M>;
  readonly inbox: Input<M>[];
  readonly timers: Map<string, number>;
  executed: number;
}

/** Commands delivered on all three per second. */
function rate<S, M>(protocol: Protocol<S, M>, batch: number, encoded: boolean, ms: number): number {
  const seats: Seat<S, M>[] = MEMBERS.map((self) => seat(protocol, self, encoded, () => seats));
  const first = seats[0] as Seat<S, M>;
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
  for (const at of seats) feed(at, START);
  settle();
  for (let tries = 0; protocol.status(first.state).role !== "leader" && tries < 1_000; tries += 1) {
    now += 50;
    const due = [...first.timers].find(([, time]) => time <= now);
    if (due !== undefined) {
      first.timers.delete(due[0]);
      feed(first, { kind: "timeout", name: due[0] });
    }
    settle();
  }
  const commands = commandsOf(batch);
  const begun = performance.now();
  let proposed = 0;
  while (performance.now() - begun < ms) {
    for (let turn = 0; turn < 50; turn += 1) {
      feed(first, { kind: "propose", commands });
      proposed += batch;
      settle();
    }
    now += 1;
    compactAll(seats, protocol, feed);
  }
  const seconds = (performance.now() - begun) / 1_000;
  // Followers may learn the last batch with the next message only.
  if (seats.some(({ executed }) => executed < proposed - 50 * batch))
    throw new Error(
      `chosen on each: ${seats.map(({ executed }) => executed).join()} of ${proposed}`,
    );
  return Math.min(...seats.map(({ executed }) => executed)) / seconds;
}

const START: Input<never> = {
  kind: "start",
  missing: [],
  delivered: { log: 0, index: 0 },
  image: new Uint8Array(0),
  incarnation: 1,
  voter: true,
};

/**
 * As after a snapshot, now and then: or the window of accepted values would be all that is
 * measured.
 */
function compactAll<S, M>(
  seats: readonly Seat<S, M>[],
  protocol: Protocol<S, M>,
  feed: (at: Seat<S, M>, input: Input<M>) => void,
): void {
  for (const at of seats) {
    const { chosenUpTo, compactedUpTo } = protocol.status(at.state);
    if (chosenUpTo - compactedUpTo > 10_000)
      feed(at, { kind: "compact", position: { log: 0, index: chosenUpTo - 1_000 } });
  }
}

function seat<S, M>(
  protocol: Protocol<S, M>,
  self: number,
  encoded: boolean,
  seats: () => readonly Seat<S, M>[],
): Seat<S, M> {
  const inbox: Input<M>[] = [];
  const timers = new Map<string, number>();
  const writer = new Writer(1 << 20);
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
  const state = protocol.create({ ...settings, tuning: {} });
  const own: Seat<S, M> = { state, queue, inbox, timers, executed: 0 };
  return own;
}

function commandsOf(count: number): Command[] {
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
