import type { Input, Protocol } from "@synod/core";
import { broadcast } from "@synod/core/protocols/broadcast";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import { pmmc } from "@synod/core/protocols/pmmc";
import type { Item, Report, RunOptions } from "./report.ts";
import { commandsOf, type Seat, table } from "./seats.ts";
import { showSpread, spread } from "./statistics.ts";

const SIZES = [3, 5] as const;
const BATCHES = [1, 32, 1_000] as const;

/** One protocol at one kind of table, however its state and messages look. */
interface Contender {
  readonly name: string;
  readonly look: (setting: Setting) => Look;
}

interface Setting {
  readonly size: number;
  readonly batch: number;
  readonly encoded: boolean;
  readonly ms: number;
}

interface Look {
  readonly rate: number;
  readonly messages: number;
}

const CONTENDERS: readonly Contender[] = [
  contender(multipaxos),
  contender(omnipaxos),
  contender(pmmc),
  contender(broadcast),
];

/** What the protocols themselves cost: no disk, no network, no codec but that of the commands. */
export const chosen: Item = {
  name: "chosen",
  summary: "commands chosen per second by each protocol, 3 and 5 replicas in one thread, no disk",
  run: async ({ rounds, quick, say }: RunOptions): Promise<Report> => {
    const ms = quick ? 200 : 1_000;
    const cases = SIZES.flatMap((size) =>
      BATCHES.flatMap((batch) =>
        CONTENDERS.map((one) => ({ size, batch, one, plain: [] as Look[], encoded: [] as Look[] })),
      ),
    );
    for (let round = 1; round <= rounds; round += 1) {
      say(`round ${round} of ${rounds}`);
      for (const { size, batch, one, plain, encoded } of cases) {
        plain.push(one.look({ size, batch, encoded: false, ms }));
        encoded.push(one.look({ size, batch, encoded: true, ms }));
      }
    }
    const rows: string[][] = [];
    const figures: Record<string, number> = {};
    for (const { size, batch, one, plain, encoded } of cases) {
      const name = `${size} replicas, batches of ${batch}, ${one.name}`;
      const [bare, whole] = [plain, encoded].map((looks) => spread(looks.map(({ rate }) => rate)));
      if (bare === undefined || whole === undefined) continue;
      figures[`chosen ${name}`] = bare.median;
      figures[`chosen ${name}, messages encoded`] = whole.median;
      const micros = (1e6 / whole.median).toFixed(2);
      const messages = encoded.at(-1)?.messages.toFixed(1) ?? "";
      rows.push([name, showSpread(bare), showSpread(whole), micros, messages]);
    }
    return {
      title: "Commands of 256 bytes chosen, all replicas in one thread",
      head: [
        "case",
        "commands/s",
        "with messages encoded",
        "µs/command, all replicas",
        "messages/batch",
      ],
      rows,
      figures,
    };
  },
};

function contender<S, M>(protocol: Protocol<S, M>): Contender {
  return { name: protocol.name, look: (setting) => look(protocol, setting) };
}

/**
 * Commands delivered on all replicas per second, and messages for each batch: 3(n - 1) by the
 * cards, and 5(n - 1) for broadcast; and as many again for each further slot that a large batch is
 * cut into.
 */
function look<S, M>(protocol: Protocol<S, M>, { size, batch, encoded, ms }: Setting): Look {
  const { seats, first, feed, settle, pass } = table(protocol, { size, encoded });
  for (let tries = 0; protocol.status(first.state).role !== "leader" && tries < 1_000; tries += 1)
    pass(50, [first]);
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
    pass(1, []);
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
