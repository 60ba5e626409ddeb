import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm, unlink } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { formatNode } from "@synod/node";
import {
  type ClusterMember,
  DEFAULT_SERVER_PROTOCOL,
  type ServerProtocolName,
} from "@synod/server";
import { clusterText, readCluster } from "../cluster.ts";
import { CommandFailure } from "../exit-codes.ts";
import { synodFailure } from "../synod-failure.ts";

export interface DemoOptions {
  /** Nodes of a new cluster; default 3. An existing one keeps its own number. */
  readonly nodes?: number;
  /** Of a new cluster; default multipaxos. An existing one keeps its own. */
  readonly protocol?: ServerProtocolName;
  /** HTTP port of node 0; default 8080, or what an existing cluster has. */
  readonly basePort?: number;
  readonly dir: string;
  readonly fresh?: true;
}

export interface DemoNode {
  readonly id: number;
  /** Its data directory. */
  readonly directory: string;
  readonly logFile: string;
  readonly member: ClusterMember;
}

export interface DemoFolder {
  /** As a user of the current directory would write it. */
  readonly shownAs: string;
  readonly clusterFile: string;
  readonly protocol: ServerProtocolName;
  readonly nodes: readonly DemoNode[];
  readonly isNew: boolean;
}

export const DEFAULT_NODES = 3;
export const DEFAULT_BASE_PORT = 8080;

/** Peers talk on the HTTP port plus this. */
const PEER_PORT_OFFSET = 1000;

const CLUSTER_FILE = "cluster.json";
/** Stands while a new cluster is being made: without a cluster file, nothing in here counts yet. */
const MARKER = "formatting";
const OWN_NAMES = /^(cluster\.json(\.new)?|formatting|lock|node-\d+(\.log)?)$/;

/**
 * Makes the folder what the options say: a new cluster where there is none, else the one that is
 * there. The caller holds the folder's lock. The cluster file is written last, and no node runs
 * before it is there; so a folder without it may be made anew, and one with it is whole.
 */
export async function prepareFolder(options: DemoOptions): Promise<DemoFolder> {
  const root = resolve(options.dir);
  const names = await readdir(root);
  const foreign = names.filter((name) => !OWN_NAMES.test(name));
  const hasCluster = names.includes(CLUSTER_FILE);
  const isOurs = hasCluster || names.includes(MARKER);
  if (!isOurs && names.some((name) => name !== "lock"))
    throw new CommandFailure(
      "foreign",
      `the folder ${root} holds other files (${[...foreign, ...names][0]}): ` +
        "choose another with --dir",
    );
  if (hasCluster && options.fresh === undefined) return openFolder(root, options);
  await makeCluster(root, names, options);
  return describe(root, true);
}

/** The cluster that is there, at other ports if asked. Its nodes and protocol are what they are. */
async function openFolder(root: string, options: DemoOptions): Promise<DemoFolder> {
  await rm(join(root, MARKER), { force: true });
  const file = join(root, CLUSTER_FILE);
  const cluster = await readCluster(file);
  const count = cluster.members.length;
  if (options.nodes !== undefined && options.nodes !== count)
    throw isAnother(root, `has ${count} nodes`, "--nodes");
  const protocol = cluster.protocol ?? DEFAULT_SERVER_PROTOCOL;
  if (options.protocol !== undefined && options.protocol !== protocol)
    throw isAnother(root, `runs ${protocol}`, "--protocol");
  if (options.basePort !== undefined) {
    const members = memberList(count, options.basePort);
    await replaceFile(root, clusterText({ ...cluster, members }));
  }
  return describe(root, false);
}

function isAnother(root: string, what: string, option: string): CommandFailure {
  return new CommandFailure(
    "usage",
    `the cluster in ${root} ${what}: leave ${option} out, begin anew with --fresh, ` +
      "or choose another folder with --dir",
  );
}

async function makeCluster(
  root: string,
  names: readonly string[],
  options: DemoOptions,
): Promise<void> {
  await (await open(join(root, MARKER), "w", 0o600)).close();
  await rm(join(root, CLUSTER_FILE), { force: true });
  await syncFolder(root);
  for (const name of names.filter((old) => /^node-/.test(old)))
    await rm(join(root, name), { recursive: true, force: true });
  const cluster = randomBytes(16).toString("hex");
  const members = memberList(options.nodes ?? DEFAULT_NODES, options.basePort ?? DEFAULT_BASE_PORT);
  // One operator formats all nodes at once, so each can be told the others' data ids, and nobody
  // has to register anywhere before voting.
  const dataIds = members.map(({ id }) => ({ node: id, dataId: randomBytes(16).toString("hex") }));
  for (const { node, dataId } of dataIds) {
    const others = dataIds.filter((other) => other.node !== node);
    const registeredPeers = others.map((other) => ({ ...other, incarnation: 0, boot: 0 }));
    const directory = join(root, `node-${node}`);
    try {
      await formatNode({ directory, cluster, id: node, dataId, registeredPeers });
    } catch (error) {
      throw synodFailure(error, directory);
    }
  }
  const protocol = options.protocol ?? DEFAULT_SERVER_PROTOCOL;
  await replaceFile(root, clusterText({ cluster, protocol, members, quorums: null }));
  await unlink(join(root, MARKER));
}

function memberList(count: number, basePort: number): ClusterMember[] {
  return Array.from({ length: count }, (_, id) => ({
    id,
    http: `127.0.0.1:${basePort + id}`,
    peer: `127.0.0.1:${basePort + PEER_PORT_OFFSET + id}`,
  }));
}

async function describe(root: string, isNew: boolean): Promise<DemoFolder> {
  const clusterFile = join(root, CLUSTER_FILE);
  const { members, protocol } = await readCluster(clusterFile);
  const nodes = members.map((member) => ({
    id: member.id,
    directory: join(root, `node-${member.id}`),
    logFile: join(root, `node-${member.id}.log`),
    member,
  }));
  return {
    shownAs: relative(process.cwd(), root) || ".",
    clusterFile,
    protocol: protocol ?? DEFAULT_SERVER_PROTOCOL,
    nodes,
    isNew,
  };
}

/** The cluster file, whole or not at all, whenever the power fails. */
async function replaceFile(root: string, text: string): Promise<void> {
  const temporary = join(root, `${CLUSTER_FILE}.new`);
  const file = await open(temporary, "w", 0o600);
  await file.writeFile(text);
  await file.sync();
  await file.close();
  await rename(temporary, join(root, CLUSTER_FILE));
  await syncFolder(root);
}

async function syncFolder(root: string): Promise<void> {
  const folder = await open(root, "r");
  await folder.sync();
  await folder.close();
}

export async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(resolve(dir), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CommandFailure("disk", `cannot make the folder ${dir}: ${(error as Error).message}`);
  }
}
