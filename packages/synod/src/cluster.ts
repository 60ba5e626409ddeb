import {
  type ClusterFile,
  ClusterFileError,
  type ClusterMember,
  readClusterFile,
} from "@synod/server";
import { CommandFailure } from "./exit-codes.ts";

/** Reads a cluster file, or fails with the exit code `cluster`. */
export async function readCluster(path: string): Promise<ClusterFile> {
  try {
    return await readClusterFile(path);
  } catch (error) {
    if (error instanceof ClusterFileError) throw new CommandFailure("cluster", error.message);
    throw error;
  }
}

/** The cluster, and the member of this id in it. */
export async function readMember(
  path: string,
  id: number,
): Promise<{ readonly cluster: ClusterFile; readonly member: ClusterMember }> {
  const cluster = await readCluster(path);
  const member = cluster.members.find((each) => each.id === id);
  if (member !== undefined) return { cluster, member };
  const ids = cluster.members.map((each) => each.id).join(", ");
  const message = `cluster file ${path}: there is no node ${id}, only ${ids}; choose one with --id`;
  throw new CommandFailure("cluster", message);
}

/** The text of a cluster file. */
export function clusterText(file: ClusterFile): string {
  const { cluster, protocol, members, quorums } = file;
  const named = protocol === null ? { cluster } : { cluster, protocol };
  const plain = { ...named, members, ...(quorums === null ? {} : { quorums }) };
  return `${JSON.stringify(plain, null, 2)}\n`;
}
