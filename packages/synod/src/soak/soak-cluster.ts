import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAddress } from "@synod/node";
import {
  type ClusterFile,
  type NodeStatus,
  readClusterFile,
  type ServerProtocolName,
} from "@synod/server";
import { clusterText } from "../cluster.ts";
import { type DemoNode, makeFolder, prepareFolder } from "../demo/demo-folder.ts";
import { freeBasePort } from "../demo/free-ports.ts";
import { type Supervised, supervise } from "../demo/supervise.ts";
import { askStatus } from "../status-command.ts";
import { type LinkProxy, openLink } from "./link-proxy.ts";

const BIN = fileURLToPath(new URL("../../bin/synod.js", import.meta.url));
const STATUS_MS = 1_000;

export interface SoakClusterOptions {
  readonly folder: string;
  readonly nodes: number;
  readonly protocol: ServerProtocolName;
  /** A number below the bound. */
  readonly below: (bound: number) => number;
  /** A process ended though nobody had ended it. */
  readonly died: (node: number, how: string) => void;
}

/** One server as a process of its own. */
export interface SoakNode {
  readonly id: number;
  readonly url: string;
  readonly directory: string;
  /** 0: it is not running. */
  readonly pid: number;
  readonly paused: boolean;
  readonly wiped: boolean;
}

interface Node extends SoakNode {
  readonly demo: DemoNode;
  readonly clusterFile: string;
  pid: number;
  paused: boolean;
  wiped: boolean;
  /** The process that was ended on purpose. */
  killedPid: number;
  /** Its disk is full: it may end as it likes. */
  limited: boolean;
  process: Supervised | null;
}

/** Servers that dial each other through proxies, and everything that can be done to them. */
export class SoakCluster {
  readonly nodes: readonly SoakNode[];
  readonly links: readonly LinkProxy[];
  readonly #nodes: readonly Node[];
  readonly #options: SoakClusterOptions;

  private constructor(
    options: SoakClusterOptions,
    nodes: readonly Node[],
    links: readonly LinkProxy[],
  ) {
    this.#options = options;
    this.#nodes = nodes;
    this.nodes = nodes;
    this.links = links;
    for (const node of nodes) this.#run(node, null);
  }

  static async start(options: SoakClusterOptions): Promise<SoakCluster> {
    const { folder, nodes, protocol, below } = options;
    await makeFolder(folder);
    const basePort = await freeBasePort(nodes);
    const made = await prepareFolder({ dir: folder, nodes, protocol, basePort, fresh: true });
    const cluster = await readClusterFile(made.clusterFile);
    const links = await openLinks(cluster, below);
    const all = made.nodes.map((demo): Node => {
      const { id, member, directory } = demo;
      const clusterFile = join(folder, `cluster-${id}.json`);
      writeFileSync(clusterFile, clusterText(seenBy(id, cluster, links)));
      const state = { pid: 0, paused: false, wiped: false, killedPid: 0, limited: false };
      return {
        id,
        url: `http://${member.http}`,
        directory,
        demo,
        clusterFile,
        ...state,
        process: null,
      };
    });
    return new SoakCluster(options, all, links);
  }

  /** `kill -9`; it is started again by itself. */
  kill(id: number): void {
    const node = this.#node(id);
    node.killedPid = node.pid;
    signal(node, "SIGKILL");
  }

  pause(id: number): void {
    const node = this.#node(id);
    node.paused = true;
    signal(node, "SIGSTOP");
  }

  resume(id: number): void {
    const node = this.#node(id);
    node.paused = false;
    signal(node, "SIGCONT");
  }

  /** Starts it again with files that cannot grow beyond so many bytes; null: as they like. */
  async limit(id: number, fileBytesMax: number | null): Promise<void> {
    const node = this.#node(id);
    await node.process?.stop();
    node.limited = fileBytesMax !== null;
    this.#run(node, fileBytesMax);
  }

  /** Loses all that it had. From now on it must not vote, and serves all the same. */
  async wipe(id: number): Promise<void> {
    const node = this.#node(id);
    await node.process?.stop();
    rmSync(node.directory, { recursive: true, force: true });
    node.wiped = true;
    this.#run(node, null);
  }

  async status(id: number): Promise<NodeStatus | null> {
    return (await askStatus(this.#node(id).url, STATUS_MS)).status;
  }

  /** The node that most nodes follow; null: there is none. */
  async leader(): Promise<number | null> {
    const all = await Promise.all(this.nodes.map(({ id }) => this.status(id)));
    const found = all.find((status) => status !== null && status.leader === status.id);
    return found?.id ?? null;
  }

  /** Bytes of all files of a node. */
  diskBytes(id: number): number {
    const { directory } = this.#node(id);
    let bytes = 0;
    for (const name of namesIn(directory)) bytes += sizeOf(join(directory, name));
    return bytes;
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) if (node.paused) this.resume(node.id);
    await Promise.all(this.#nodes.map((node) => node.process?.stop()));
    await Promise.all(this.links.map((link) => link.close()));
  }

  #node(id: number): Node {
    const node = this.#nodes[id];
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  #run(node: Node, fileBytesMax: number | null): void {
    const where = ["--id", String(node.id), "--cluster", node.clusterFile, "--dir", node.directory];
    const start = [BIN, "start", ...where, "--stop-with-stdin"];
    const [command, args] =
      fileBytesMax === null
        ? [process.execPath, start]
        : limitedShell(fileBytesMax, [process.execPath, ...start]);
    node.process = supervise({
      command,
      args,
      logFile: node.demo.logFile,
      started: (pid) => {
        node.pid = pid;
      },
      died: (how) => {
        if (node.pid !== node.killedPid && !node.limited) this.#options.died(node.id, how);
        node.pid = 0;
      },
      complained: () => {},
      hopeless: (exit) => this.#options.died(node.id, `cannot be started: ${exit}`),
    });
    // Whatever ends it, it is worth another start.
    node.process.markWorking();
  }
}

/** A shell that becomes the program, under a limit that Node itself cannot set. */
function limitedShell(fileBytesMax: number, program: readonly string[]): [string, string[]] {
  const script = `ulimit -f ${Math.floor(fileBytesMax / 1024)}; exec "$@"`;
  return ["bash", ["-c", script, "limited", ...program]];
}

async function openLinks(
  { members }: ClusterFile,
  below: (bound: number) => number,
): Promise<LinkProxy[]> {
  const ways = members.flatMap((from) =>
    members.filter((to) => to !== from).map((to) => ({ from: from.id, to })),
  );
  return Promise.all(
    ways.map(({ from, to }) => {
      const target = parseAddress(to.peer);
      if (target === null) throw new Error(`no address: ${to.peer}`);
      return openLink({ from, to: to.id, target, below });
    }),
  );
}

/** The cluster as one node is told: it reaches all others through the proxies. */
function seenBy(id: number, cluster: ClusterFile, links: readonly LinkProxy[]): ClusterFile {
  const members = cluster.members.map((member) => {
    const link = links.find(({ from, to }) => from === id && to === member.id);
    return link === undefined ? member : { ...member, peer: `127.0.0.1:${link.port}` };
  });
  return { ...cluster, members };
}

function signal({ pid }: Node, name: NodeJS.Signals): void {
  if (pid === 0) return;
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended.
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    // Removed between the two calls.
    return 0;
  }
}
