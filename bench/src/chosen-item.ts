import type { Input, Protocol } from "@synod/core";
import { broadcast } from "@synod/core/protocols/broadcast";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import { pmmc } from "@synod/core/protocols/pmmc";
import { judge } from "./floors.ts";
import type { Item, Report, RunOptions } from "./report.ts";
import { commandsOf, type Seat, table } from "./seats.ts";
import { showSpread, spread } from "./statistics.ts";

const BATCHES = [1, 32, 1_000] as const;

/** What the protocol itself costs: no disk, no network, no codec but that of a batch's commands. */
export const chosen: Item = {
  name: "chosen",
  summary: "commands chosen per second, three replicas in one thread, no disk, no network",
  run: async (options) => measure("", multipaxos, options),
};

/** The same of Paxos Made Moderately Complex, all roles on each of the three. */
export const pmmcChosen: Item = {
  name: "pmmc",
  summary: "the same, by Paxos Made Moderately Complex",
  run: async (options) => measure("pmmc, ", pmmc, options),
};

/** The same of OmniPaxos. */
export const omnipaxosChosen: Item = {
  name: "omnipaxos",
  summary: "the same, by OmniPaxos",
  run: async (options) => measure("omnipaxos, ", omnipaxos, options),
};

/** The same of total-order broadcast: both phases for every batch, and no leader. */
export const broadcastChosen: Item = {
  name: "broadcast",
  summary: "the same, by total-order broadcast from instances of Paxos",
  run: async (options) => measure("broadcast, ", broadcast, options),
};

function measure<S, M>(prefix: string, protocol: Protocol<S, M>, options: RunOptions): Report {
  const ms = options.quick ? 200 : 2_000;
  const cases = BATCHES.flatMap((batch) =>
    [false, true].map((encoded) => ({ batch, encoded, rates: [] as number[], messages: 0 })),
  );
  for (let round = 0; round < options.rounds; round += 1)
    for (const one of cases) {
      const { rate, messages } = look(protocol, one.batch, one.encoded, ms);
      one.rates.push(rate);
      one.messages = messages;
    }
  const rows: string[][] = [];
  const figures: Record<string, number> = {};
  for (const { batch, encoded, rates, messages } of cases) {
    const name = `${prefix}batches of ${batch}${encoded ? ", messages encoded" : ""}`;
    const all = spread(rates);
    const micros = (1e6 / all.median).toFixed(2);
    figures[`chosen ${name}`] = all.median;
    rows.push([name, showSpread(all), micros, messages.toFixed(1), judge(name, all.median)]);
  }
  const head = ["case", "commands/s", "µs/command, all three", "messages/batch", "floor"];
  const title = "Commands of 256 bytes chosen, three replicas in one thread";
  return { title, head, rows, figures };
}

/**
 * Commands delivered on all three per second, and messages for each batch: 3(n - 1) by the cards,
 * and 5(n - 1) for broadcast; and as many again for each further slot that a large batch is cut
 * into.
 */
function look<S, M>(
  protocol: Protocol<S, M>,
  batch: number,
  encoded: boolean,
  ms: number,
): { readonly rate: number; readonly messages: number } {
  const { seats, first, feed, settle, pass } = table(protocol, encoded);
  for (let tries = 0; protocol.status(first.state).role !== "leader" && tries < 1_000; tries += 1) {
    const now = pass(50);
    const due = [...first.timers].find(([, time]) => time <= now);
    if (due !== undefined) {
      first.timers.delete(due[0]);
      feed(first, { kind: "timeout", name: due[0] });
    }
    settle();
  }
  const commands = commandsOf(batch);
  const messages = (): number => seats.reduce((sum, { sent }) => sum + sent, 0);
  const before = messages();
  const begun = performance.now();
  let proposed = 0;
  while (performance.now() - begun < ms) {
    for (let turn = 0; turn < 50; turn += 1) {
      feed(first, { kind: "propose", commands });
      proposed += batch;
      settle();
    }
    pass(1);
    compactAll(seats, protocol, feed);
  }
  const seconds = (performance.now() - begun) / 1_000;
  // Followers may learn the last batch with the next message only.
  if (seats.some(({ executed }) => executed < proposed - 50 * batch))
    throw new Error(
      `chosen on each: ${seats.map(({ executed }) => executed).join()} of ${proposed}`,
    );
  const rate = Math.min(...seats.map(({ executed }) => executed)) / seconds;
  return { rate, messages: ((messages() - before) * batch) / proposed };
}

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
