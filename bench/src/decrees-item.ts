import { paxos } from "@synod/core/protocols/paxos";
import type { Item, Report, RunOptions } from "./report.ts";
import { commandsOf, table } from "./seats.ts";
import { showSpread, spread } from "./statistics.ts";

const BATCHES = [1, 32] as const;

const SIZE = 3;

/** By the card: prepares, promises, accepts, accepteds and chosens. */
const MESSAGES = 5 * (SIZE - 1);

/** What single-decree Paxos costs: a fresh decree on three fresh replicas, again and again. */
export const decrees: Item = {
  name: "decrees",
  summary: "single decrees decided per second, three replicas in one thread, no disk, no network",
  run: async ({ rounds, quick }: RunOptions): Promise<Report> => {
    const ms = quick ? 200 : 2_000;
    const cases = BATCHES.flatMap((batch) =>
      [false, true].map((encoded) => ({ batch, encoded, rates: [] as number[] })),
    );
    for (let round = 0; round < rounds; round += 1)
      for (const one of cases) one.rates.push(rate(one.batch, one.encoded, ms));
    const rows: string[][] = [];
    const figures: Record<string, number> = {};
    for (const { batch, encoded, rates } of cases) {
      const name = `values of ${batch} commands${encoded ? ", messages encoded" : ""}`;
      const all = spread(rates);
      figures[`decrees ${name}`] = all.median;
      rows.push([name, showSpread(all), (1e6 / all.median).toFixed(2), String(MESSAGES)]);
    }
    const head = ["case", "decrees/s", "µs/decree, all three", "messages/decree"];
    return {
      title: "Single decrees with commands of 256 bytes, three replicas in one thread",
      head,
      rows,
      figures,
    };
  },
};

/** Decrees learned on all three per second. Throws if one costs other messages than it should. */
function rate(batch: number, encoded: boolean, ms: number): number {
  const commands = commandsOf(batch);
  const begun = performance.now();
  let decided = 0;
  while (performance.now() - begun < ms) {
    const { seats, first, feed, settle } = table(paxos, { size: SIZE, encoded });
    feed(first, { kind: "propose", commands });
    settle();
    const sent = seats.reduce((sum, seat) => sum + seat.sent, 0);
    if (sent !== MESSAGES || seats.some(({ executed }) => executed !== batch))
      throw new Error(`${sent} messages, learned: ${seats.map(({ executed }) => executed)}`);
    decided += 1;
  }
  return (decided / (performance.now() - begun)) * 1_000;
}
