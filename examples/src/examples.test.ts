import { describe, expect, test } from "vitest";
import { main as durableLog } from "./durable-log.ts";
import { main as helloPaxos } from "./hello-paxos.ts";
import { main as keyValueStore } from "./key-value-store.ts";
import { startPeers } from "./peers.ts";
import { KeyValueStore } from "./store.ts";

async function printed(main: (print: (line: string) => void) => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  await main((line) => lines.push(line));
  return lines;
}

test("two peers: hello, paxos!", async () => {
  expect(await printed(helloPaxos)).toEqual(["Delivered:  {peer1 peer1: hello, paxos!}"]);
});

test("three replicas of a key-value store", async () => {
  expect(await printed(keyValueStore)).toEqual([
    "peer1 put key1, peer2 gets val1",
    "peer2 put key1, peer3 put key2, peer1 gets val2",
    "peer3 has it, too: val2; locally val3",
    "error: value not available for key",
  ]);
});

test("a log on three nodes, with a snapshot in the place of its beginning", async () => {
  expect(await printed(durableLog)).toEqual([
    "payment 1 is on a majority of disks",
    "payment 2 is on a majority of disks",
    "payment 3 is on a majority of disks",
    "node 2 reads payment 1: 100",
    "node 2 reads payment 2: -30",
    "node 3 reads balance after payment 3: 82",
    "node 3 reads payment 4: 8",
    "node 1 is told of payment 5: -5",
  ]);
});

describe("the store", () => {
  test("holds the same everywhere, whoever puts at the same time", async () => {
    const peers = await startPeers([1, 2, 3]);
    const stores = peers.all.map((order) => new KeyValueStore(order));
    await Promise.all(
      stores.flatMap((store, at) => [1, 2, 3].map((n) => store.put("key", `${at}.${n}`))),
    );
    const values = await Promise.all(stores.map((store) => store.get("key")));
    expect(new Set(values).size).toBe(1);
    await peers.close();
    for (const { stopped } of stores) expect(await stopped).toBeUndefined();
  });

  test("has put a value when it says so", async () => {
    const peers = await startPeers([1]);
    const [store] = peers.all.map((order) => new KeyValueStore(order));
    await store?.put("key", "value");
    expect(await store?.get("key", "local")).toBe("value");
    await peers.close();
  });
});
