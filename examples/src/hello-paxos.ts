import { startPeers } from "./peers.ts";

/** Two peers; the first one broadcasts, the second one delivers. */
export async function main(print: (line: string) => void): Promise<void> {
  const peers = await startPeers([1, 2]);
  try {
    const [peer1, peer2] = peers.all;
    if (peer1 === undefined || peer2 === undefined) throw new Error("two peers were to start");
    const deliveries = peer2.deliver({ after: 0 });
    await peer1.broadcast(new TextEncoder().encode("hello, paxos!"));
    for await (const { sender, payload } of deliveries) {
      const source = `peer${sender}`;
      print(`Delivered:  {${source} ${source}: ${new TextDecoder().decode(payload)}}`);
      break;
    }
  } finally {
    await peers.close();
  }
}
