import { join } from "node:path";
import type { Machine, NodeId } from "@synod/core";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { KeyValueMachine } from "@synod/machines";
import type { Configuration, Member } from "@synod/runtime";
import { onTestFinished } from "vitest";
import { CLUSTER } from "../compliance/hello.ts";
import { formatNode } from "../format-node.ts";
import { createNode, type SynodNode } from "../node.ts";
import type { NodeOptions } from "../node-options.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { freePort, pause } from "./test-peer.ts";

/** A cluster of real nodes in this process. */
export interface TestCluster {
  readonly configuration: Configuration;
  directory(id: NodeId): string;
  format(id: NodeId): Promise<string>;
  /** All at once, each knowing the others, so that nobody has to register before voting. */
  formatAll(): Promise<void>;
  start(id: NodeId, more?: Partial<NodeOptions<never, never>>): Promise<SynodNode>;
}

export async function testCluster(size: number): Promise<TestCluster> {
  const root = temporaryDirectory();
  const members: Member[] = [];
  for (let id = 0; id < size; id += 1)
    members.push({ id, address: `127.0.0.1:${await freePort()}`, zone: "", roles: [] });
  const configuration = { number: 1, cluster: CLUSTER, members, quorums: null };
  const directory = (id: NodeId): string => join(root, `node-${id}`);
  const dataIdOf = (id: NodeId): string => `${id}`.repeat(32);
  const known = members.map(({ id }) => ({
    node: id,
    dataId: dataIdOf(id),
    incarnation: 0,
    boot: 0,
  }));
  return {
    configuration,
    directory,
    async formatAll() {
      for (const { id } of members)
        await formatNode({
          directory: directory(id),
          cluster: CLUSTER,
          id,
          dataId: dataIdOf(id),
          registeredPeers: known.filter((peer) => peer.node !== id),
        });
    },
    format: (id) => formatNode({ directory: directory(id), cluster: CLUSTER, id }),
    async start(id, more = {}) {
      const machine: Machine = new KeyValueMachine();
      const node = await createNode({
        id,
        configuration,
        directory: directory(id),
        protocol: multipaxos,
        machine,
        ...(more as object),
      });
      onTestFinished(() => node.close());
      return node;
    },
  };
}

/** Waits until a node says that it is ready. */
export async function ready(node: SynodNode, ms = 8_000): Promise<void> {
  const limit = performance.now() + ms;
  while (!node.status().ready) {
    if (performance.now() > limit) throw new Error(`not ready: ${node.status().notReadyReason}`);
    await pause(10);
  }
}
