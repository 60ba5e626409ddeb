import { multipaxos } from "@synod/core/protocols/multipaxos";
import { createLog, type LogItem } from "@synod/node";
import { startAll } from "./peers.ts";

/** A ledger of payments on three nodes; what is old gives way to a snapshot: the balance so far. */
export async function main(print: (line: string) => void): Promise<void> {
  const peers = await startAll([1, 2, 3], (place) => createLog({ ...place, protocol: multipaxos }));
  try {
    const [one, two, three] = peers.all;
    if (one === undefined || two === undefined || three === undefined) throw new Error("no peers");
    for (const amount of [100, -30, 12]) {
      const index = await one.append(bytesOf(amount));
      print(`payment ${index} is on a majority of disks`);
    }
    for await (const item of two.range(1, 2)) print(`node 2 reads ${show(item)}`);
    // The application knows what its entries mean, so it makes the snapshot, in parts if it is
    // large.
    const { last } = await two.bounds();
    await two.snapshot(last, [bytesOf(82)]);
    await two.append(bytesOf(8));
    for await (const item of three.suffix(1)) print(`node 3 reads ${show(item)}`);
    // A subscription goes on for as long as one likes.
    const payments = one.follow({ after: 4 });
    await three.append(bytesOf(-5));
    for await (const item of payments) {
      print(`node 1 is told of ${show(item)}`);
      break;
    }
  } finally {
    await peers.close();
  }
}

function show(item: LogItem): string {
  if (item.kind === "entry") return `payment ${item.index}: ${numberOf(item.entry)}`;
  if (item.kind === "trimmed") return `nothing any more through payment ${item.upTo}`;
  const [balance] = item.parts;
  return `balance after payment ${item.upTo}: ${balance === undefined ? "?" : numberOf(balance)}`;
}

const bytesOf = (value: number): Uint8Array => new TextEncoder().encode(String(value));
const numberOf = (bytes: Uint8Array): number => Number(new TextDecoder().decode(bytes));
