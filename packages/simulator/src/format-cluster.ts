import { crc32, type NodeId, type PortError, type Remembered } from "@synod/core";
import { formatDirectory } from "@synod/runtime";
import { draw } from "./addressed.ts";
import type { Cluster } from "./cluster.ts";
import { type Life, membersOf } from "./life.ts";
import { virtualRandom } from "./virtual-clock.ts";

/**
 * Formats all disks as one operator does who knows them all; newcomers later do without that.
 * `done` once every disk is ready.
 */
export function formatCluster<S, M>(
  cluster: Cluster<S, M>,
  life: Life,
  done: (error: PortError | null) => void,
): void {
  const members = membersOf(life);
  const known = members.map((node) => remembered(life.seed, node));
  let left = life.nodes.length;
  for (const node of life.nodes) {
    const disk = cluster.member(node).disk.attach();
    disk.lock((locked) => {
      if (locked !== null) return done(locked);
      formatDirectory(
        {
          disk,
          checksum: crc32,
          random: virtualRandom(life.seed, node, 0),
          cluster: cluster.configuration.cluster,
          node,
          dataId: dataId(life.seed, node),
          ...(members.includes(node)
            ? { registeredPeers: known.filter((peer) => peer.node !== node) }
            : {}),
        },
        (error) => {
          if (error !== null) return done(error);
          disk.unlock(() => {
            left -= 1;
            if (left === 0) done(null);
          });
        },
      );
    });
  }
}

function remembered(seed: number, node: NodeId): Remembered {
  return { node, dataId: dataId(seed, node), incarnation: 0, boot: 0 };
}

/** Of the disk that `node` begins with. */
export function dataId(seed: number, node: NodeId): string {
  const words = [1, 2, 3, 4].map((word) => draw(seed, "life", node, 77, word));
  return words.map((word) => word.toString(16).padStart(8, "0")).join("");
}
