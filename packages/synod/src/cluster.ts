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

/** The cluster, of which this id is no member yet: the file names those whom it asks. */
export async function readForNewcomer(path: string, id: number): Promise<ClusterFile> {
  const cluster = await readCluster(path);
  if (!cluster.members.some((each) => each.id === id)) return cluster;
  const message = `cluster file ${path} has a node ${id}: leave --join out, or choose another --id`;
  throw new CommandFailure("usage", message);
}

/** The text of a cluster file. */
export function clusterText(file: ClusterFile): string {
  const { cluster, protocol, members, quorums } = file;
  const named = protocol === null ? { cluster } : { cluster, protocol };
  const plain = { ...named, members, ...(quorums === null ? {} : { quorums }) };
  return `${JSON.stringify(plain, null, 2)}\n`;
}
