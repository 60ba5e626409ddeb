import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { broadcast } from "@synod/core/protocols/broadcast";
import { createTotalOrder, formatNode, type NodeOptions, type TotalOrder } from "@synod/node";

/** Some peers of one cluster in this process, which talk to each other over TCP. */
export interface Peers<Peer> {
  readonly all: readonly Peer[];
  /** Stops them and removes their data. */
  close(): Promise<void>;
}

/** What differs between peers. */
export type Place = Pick<NodeOptions<never, never>, "id" | "configuration" | "directory">;

/** Peers of a total order. */
export function startPeers(ids: readonly number[]): Promise<Peers<TotalOrder>> {
  return startAll(ids, (place) => createTotalOrder({ ...place, protocol: broadcast }));
}

/** Formats a data directory for each of these ids, in a temporary place, and starts them all. */
export async function startAll<Peer extends { close(): Promise<void> }>(
  ids: readonly number[],
  start: (place: Place) => Promise<Peer>,
): Promise<Peers<Peer>> {
  const root = await mkdtemp(join(tmpdir(), "synod-example-"));
  const cluster = randomBytes(16).toString("hex");
  const addresses = await freeAddresses(ids.length);
  const members = ids.map((id, index) => {
    return { id, address: addresses[index] as string, zone: "", roles: [] };
  });
  const configuration = { number: 1, cluster, members, quorums: null };
  const all = await Promise.all(
    ids.map(async (id) => {
      const directory = join(root, `peer${id}`);
      await formatNode({ directory, cluster, id });
      return start({ id, configuration, directory });
    }),
  );
  return {
    all,
    async close() {
      await Promise.all(all.map((peer) => peer.close()));
      await rm(root, { recursive: true });
    },
  };
}

/** Held all at once, so that they differ, and let go before anybody listens there. */
async function freeAddresses(count: number): Promise<string[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      await new Promise((resolve) => server.close(resolve));
      if (address === null || typeof address === "string") throw new Error("no port is free");
      return `127.0.0.1:${address.port}`;
    }),
  );
}
