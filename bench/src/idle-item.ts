import type { Protocol } from "@synod/core";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { OMNIPAXOS_TUNING, omnipaxos } from "@synod/core/protocols/omnipaxos";
import type { Item, Report } from "./report.ts";
import { table } from "./seats.ts";

const SIZES = [3, 5, 7] as const;
const ROUNDS = 100;
const { electionMs } = OMNIPAXOS_TUNING;

/** Nothing is timed here: what is counted is the same on every machine. */
export const idle: Item = {
  name: "idle",
  summary: "messages that 3, 5 and 7 replicas exchange while nothing is asked of them, counted",
  run: async (): Promise<Report> => {
    const rows: string[][] = [];
    const figures: Record<string, number> = {};
    for (const size of SIZES) {
      const { messages, bytes } = count(omnipaxos, size);
      const other = count(multipaxos, size);
      figures[`idle omnipaxos ${size} replicas, messages/round`] = messages;
      rows.push([
        `${size} replicas`,
        messages.toFixed(1),
        String(2 * size * (size - 1)),
        bytes.toFixed(0),
        other.messages.toFixed(1),
        other.bytes.toFixed(0),
      ]);
    }
    return {
      title: `Messages while idle, per election round of ${electionMs} ms`,
      head: [
        "case",
        "omnipaxos",
        "by its card, 2n(n - 1)",
        "bytes",
        "multipaxos, same time",
        "bytes",
      ],
      rows,
      figures,
    };
  },
};

/** Per round, of all replicas together, behind a leader that has settled. */
function count<S, M>(protocol: Protocol<S, M>, size: number) {
  const { seats, pass } = table(protocol, { size, encoded: true });
  pass(20 * electionMs, seats);
  const roles = seats.map(({ state }) => protocol.status(state).role);
  if (roles.filter((role) => role === "leader").length !== 1)
    throw new Error(`no single leader among ${roles.join()}`);
  const total = (key: "sent" | "sentBytes"): number =>
    seats.reduce((sum, seat) => sum + seat[key], 0);
  const [messages, bytes] = [total("sent"), total("sentBytes")];
  pass(ROUNDS * electionMs, seats);
  return {
    messages: (total("sent") - messages) / ROUNDS,
    bytes: (total("sentBytes") - bytes) / ROUNDS,
  };
}
