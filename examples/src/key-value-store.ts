import { startPeers } from "./peers.ts";
import { KeyValueStore } from "./store.ts";

/** Three replicas of a store: what is put at one is there at all. */
export async function main(print: (line: string) => void): Promise<void> {
  const peers = await startPeers([1, 2, 3]);
  try {
    const [first, second, third] = peers.all.map((order) => new KeyValueStore(order));
    if (first === undefined || second === undefined || third === undefined)
      throw new Error("three replicas were to start");
    await first.put("key1", "val1");
    print(`peer1 put key1, peer2 gets ${await second.get("key1")}`);
    await Promise.all([second.put("key1", "val2"), third.put("key2", "val3")]);
    print(`peer2 put key1, peer3 put key2, peer1 gets ${await first.get("key1")}`);
    print(
      `peer3 has it, too: ${await third.get("key1")}; locally ${await third.get("key2", "local")}`,
    );
    await second.get("key").catch((error: Error) => print(`error: ${error.message}`));
  } finally {
    await peers.close();
  }
}
