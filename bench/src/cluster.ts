import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { benchFolder } from "./bench-folder.ts";
import { freePorts } from "./free-ports.ts";
import type { ProbeAnswer } from "./probe.ts";

const SYNOD = fileURLToPath(new URL("../../packages/synod/bin/synod.js", import.meta.url));
const PROBE = new URL("./probe.js", import.meta.url).href;
const READY_MS = 20_000;
const POLL_MS = 20;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface BenchNode {
  readonly id: number;
  readonly http: Address;
  readonly directory: string;
  process: ChildProcess;
}

/** Part of what `GET /_synod/status` answers. */
export interface NodeStatus {
  readonly id: number;
  readonly role: string;
  readonly leader: number | null;
  readonly ready: boolean;
  readonly executedUpTo: number;
  readonly journalBytes: number;
  readonly snapshotUpTo: number;
}

/** Real nodes: one `synod start` each, on this machine, in a folder of their own. */
export class BenchCluster {
  readonly folder: string;
  readonly nodes: readonly BenchNode[];
  readonly #nodeFlags: readonly string[];

  private constructor(folder: string, nodes: readonly BenchNode[], nodeFlags: readonly string[]) {
    this.folder = folder;
    this.nodes = nodes;
    this.#nodeFlags = nodeFlags;
  }

  /** Formats and starts; resolves when all are ready. `nodeFlags` are for Node itself. */
  static async start(count = 3, nodeFlags: readonly string[] = []): Promise<BenchCluster> {
    const folder = mkdtempSync(join(benchFolder(), "synod-bench-"));
    const ports = await freePorts(2 * count);
    const members = Array.from({ length: count }, (_, id) => ({
      id,
      http: `127.0.0.1:${ports[2 * id]}`,
      peer: `127.0.0.1:${ports[2 * id + 1]}`,
    }));
    const cluster = randomBytes(16).toString("hex");
    writeFileSync(join(folder, "cluster.json"), JSON.stringify({ cluster, members }));
    const nodes = members.map(({ id }) => ({
      id,
      http: { host: "127.0.0.1", port: ports[2 * id] as number },
      directory: join(folder, `node-${id}`),
      process: null as unknown as ChildProcess,
    }));
    const running = new BenchCluster(folder, nodes, nodeFlags);
    for (const node of nodes) running.#run(node, ["format"]);
    for (const node of nodes) running.restart(node.id);
    await running.ready();
    return running;
  }

  node(id: number): BenchNode {
    const node = this.nodes[id];
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  restart(id: number): void {
    const node = this.node(id);
    const log = openSync(join(this.folder, `node-${id}.log`), "a");
    node.process = spawn(
      process.execPath,
      [...this.#nodeFlags, "--import", PROBE, SYNOD, "start", ...this.#flags(node)],
      { stdio: ["ignore", log, log, "ipc"], cwd: this.folder },
    );
    closeSync(log);
  }

  /** `kill -9`, and waits until it is gone. */
  async kill(id: number): Promise<void> {
    await ended(this.node(id).process, "SIGKILL");
  }

  async status(id: number): Promise<NodeStatus | null> {
    const { host, port } = this.node(id).http;
    try {
      const answer = await fetch(`http://${host}:${port}/_synod/status`);
      return answer.ok ? ((await answer.json()) as NodeStatus) : null;
    } catch {
      return null;
    }
  }

  async ready(): Promise<void> {
    const end = Date.now() + READY_MS;
    for (const { id } of this.nodes)
      while ((await this.status(id))?.ready !== true) {
        if (Date.now() > end) throw new Error(`node ${id} is not ready: see ${this.folder}`);
        await sleep(POLL_MS);
      }
  }

  async leader(): Promise<number> {
    for (const { id } of this.nodes) {
      const leader = (await this.status(id))?.leader;
      if (typeof leader === "number") return leader;
    }
    throw new Error("nobody leads");
  }

  resetProbes(): void {
    for (const { process: server } of this.nodes) server.send("reset");
  }

  probe(id: number): Promise<ProbeAnswer> {
    const { process: server } = this.node(id);
    return new Promise((resolve) => {
      server.once("message", (answer) => resolve(answer as ProbeAnswer));
      server.send("read");
    });
  }

  /** Bytes of all files in a node's directory. */
  diskBytes(id: number): number {
    const { directory } = this.node(id);
    let bytes = 0;
    for (const name of readdirSync(directory)) {
      try {
        bytes += statSync(join(directory, name)).size;
      } catch {
        // Removed between the two calls.
      }
    }
    return bytes;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => ended(node.process, "SIGTERM")));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #flags({ id, directory }: BenchNode): string[] {
    return ["--id", `${id}`, "--cluster", join(this.folder, "cluster.json"), "--dir", directory];
  }

  #run(node: BenchNode, command: readonly string[]): void {
    const { status, stderr } = spawnSync(
      process.execPath,
      [SYNOD, ...command, ...this.#flags(node)],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`synod ${command.join(" ")}: ${stderr}`);
  }
}

function ended(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill(signal);
  });
}
