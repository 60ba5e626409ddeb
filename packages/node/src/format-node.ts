import { crc32 } from "node:zlib";
import type { Disk, NodeId, PortError, Remembered } from "@synod/core";
import { formatDirectory, type ReplicaStorage } from "@synod/runtime";
import { createDisk } from "./disk.ts";
import { createRandom } from "./random.ts";
import { SynodError } from "./synod-error.ts";

export interface FormatNodeOptions {
  readonly directory: string;
  /** In the place of the files in `directory`; not locked yet. */
  readonly disk?: Disk;
  /**
   * In the place of the files that journals and snapshots are kept in. Open, and empty; it is not
   * closed.
   */
  readonly storage?: ReplicaStorage;
  /** 32 hex digits, the same for all nodes of a cluster. */
  readonly cluster: string;
  readonly id: NodeId;
  /** 32 hex digits; drawn when absent. */
  readonly dataId?: string;
  /**
   * The data ids of all other members, for whoever formats all nodes at once: then nobody has to
   * register before voting.
   */
  readonly registeredPeers?: readonly Remembered[];
}

/**
 * Makes the data directory of a new voter, once in its life; gives its data id. Rejected as
 * `foreign` when the directory already holds data, `locked` when a node runs on it, else `disk`.
 */
export async function formatNode(options: FormatNodeOptions): Promise<string> {
  const { directory, storage = null, cluster, id, dataId, registeredPeers } = options;
  const disk = options.disk ?? createDisk({ directory });
  const locked = await new Promise<PortError | null>((resolve) => disk.lock(resolve));
  if (locked !== null) throw formatError(locked);
  try {
    return await new Promise<string>((resolve, reject) => {
      const more = {
        ...(dataId === undefined ? {} : { dataId }),
        ...(registeredPeers === undefined ? {} : { registeredPeers }),
      };
      const ours = { disk, storage, checksum: crc32, random: createRandom() };
      const format = { ...ours, cluster, node: id, ...more };
      formatDirectory(format, (error, identity) => {
        if (identity !== null) resolve(identity.dataId);
        else reject(formatError(error ?? { code: "io", message: "no identity was made" }));
      });
    });
  } finally {
    await new Promise((resolve) => disk.unlock(resolve));
  }
}

function formatError({ code, message }: PortError): SynodError {
  const meaning = code === "locked" ? "locked" : code === "exists" ? "foreign" : "disk";
  return new SynodError(meaning, "no", message);
}
