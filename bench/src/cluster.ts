import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
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

export const SYNOD = fileURLToPath(new URL("../../packages/synod/bin/synod.js", import.meta.url));
const PROBE = new URL("./probe.js", import.meta.url).href;
const READY_MS = 30_000;
const POLL_MS = 20;
/** Who has not stopped by then is killed. */
const STOP_MS = 10_000;
const LOG_LINES_SHOWN = 5;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface BenchNode {
  readonly id: number;
  /** Of its directory. */
  readonly dataId: string;
  readonly http: Address;
  /** `host:port` where its peers reach it. */
  readonly peer: string;
  readonly directory: string;
  readonly logFile: string;
  process: ChildProcess;
}

/** Part of what `GET /_synod/status` answers. */
export interface NodeStatus {
  readonly id: number;
  readonly role: string;
  readonly leader: number | null;
  readonly ready: boolean;
  readonly notReadyReason: string;
  readonly executedUpTo: number;
  readonly journalBytes: number;
  readonly snapshotUpTo: number;
  readonly snapshotBytes: number;
  readonly membership: string;
}

/**
 * Real nodes: one `synod start` each, on this machine, in a folder of their own. They end with this
 * process, however it ends: each has a pipe as its standard input, and stops when that closes.
 */
export class BenchCluster {
  readonly folder: string;
  readonly nodes: BenchNode[];
  readonly #onExit = (): void => this.#cutOff();

  private constructor(folder: string, nodes: BenchNode[]) {
    this.folder = folder;
    this.nodes = nodes;
    process.once("exit", this.#onExit);
  }

  /** Formats and starts; resolves when all are ready. */
  static async start(count = 3, protocol = "multipaxos"): Promise<BenchCluster> {
    const folder = mkdtempSync(join(benchFolder(), "synod-bench-"));
    const ports = await freePorts(2 * count);
    const members = Array.from({ length: count }, (_, id) => ({
      id,
      http: `127.0.0.1:${ports[2 * id]}`,
      peer: `127.0.0.1:${ports[2 * id + 1]}`,
    }));
    const cluster = randomBytes(16).toString("hex");
    writeFileSync(join(folder, "cluster.json"), JSON.stringify({ cluster, protocol, members }));
    const dataIds = members.map(({ id }) => format(folder, id));
    const nodes = members.map(({ id, peer }) => ({
      id,
      dataId: dataIds[id] as string,
      peer,
      http: { host: "127.0.0.1", port: ports[2 * id] as number },
      directory: directoryOf(folder, id),
      logFile: join(folder, `node-${id}.log`),
      process: launch(folder, id),
    }));
    const running = new BenchCluster(folder, nodes);
    try {
      await running.ready();
      return running;
    } catch (error) {
      await running.stop();
      throw error;
    }
  }

  /**
   * Formats and starts a node that is a member of nothing yet; it fetches the state from
   * `fetchFrom` only, or, when that is null, from whoever has it.
   */
  async addNewcomer(fetchFrom: number | null): Promise<BenchNode> {
    const id = this.nodes.length;
    const [http = 0, peer = 0] = await freePorts(2);
    const place = ["--http", `127.0.0.1:${http}`, "--peer", `127.0.0.1:${peer}`];
    const sources = fetchFrom === null ? [] : ["--fetch-from", `${fetchFrom}`];
    const node = {
      id,
      dataId: format(this.folder, id, ["--join"]),
      peer: `127.0.0.1:${peer}`,
      http: { host: "127.0.0.1", port: http },
      directory: directoryOf(this.folder, id),
      logFile: join(this.folder, `node-${id}.log`),
      process: launch(this.folder, id, ["--join", ...place, ...sources]),
    };
    this.nodes.push(node);
    await this.#until(node, (status) => status.membership === "waiting");
    return node;
  }

  /** Stops a node for good. */
  async remove(id: number): Promise<void> {
    await ended(this.node(id).process, "SIGTERM");
  }

  node(id: number): BenchNode {
    const node = this.nodes[id];
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  restart(id: number): void {
    this.node(id).process = launch(this.folder, id);
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

  /** Until all nodes say so. Fails with what a node says instead, and the end of its log. */
  async ready(): Promise<void> {
    for (const node of this.nodes) await this.#until(node, ({ ready }) => ready);
  }

  async #until(node: BenchNode, holds: (status: NodeStatus) => boolean): Promise<void> {
    const end = Date.now() + READY_MS;
    for (;;) {
      const status = await this.status(node.id);
      if (status !== null && holds(status)) return;
      const { exitCode } = node.process;
      if (exitCode !== null) throw notReady(node, `it ended with exit code ${exitCode}`);
      if (Date.now() > end) throw notReady(node, status?.notReadyReason ?? "it does not answer");
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
    process.off("exit", this.#onExit);
  }

  /** All that can still be done when this process ends before its time. */
  #cutOff(): void {
    for (const node of this.nodes) node.process.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function directoryOf(folder: string, id: number): string {
  return join(folder, `node-${id}`);
}

function nodeFlagsOf(folder: string, id: number): string[] {
  const file = join(folder, "cluster.json");
  return ["--id", `${id}`, "--cluster", file, "--dir", directoryOf(folder, id)];
}

/** Gives the data id of the new directory. */
function format(folder: string, id: number, more: readonly string[] = []): string {
  const command = [SYNOD, "format", ...nodeFlagsOf(folder, id), ...more];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
  if (status === 0) return /[0-9a-f]{32}$/.exec(stdout.trim())?.[0] ?? "";
  rmSync(folder, { recursive: true, force: true });
  throw new Error(`synod format: ${stderr.trim()}`);
}

function launch(folder: string, id: number, more: readonly string[] = []): ChildProcess {
  const log = openSync(join(folder, `node-${id}.log`), "a");
  const start = [SYNOD, "start", ...nodeFlagsOf(folder, id), ...more, "--stop-with-stdin"];
  const child = spawn(process.execPath, ["--import", PROBE, ...start], {
    stdio: ["pipe", log, log, "ipc"],
    cwd: folder,
  });
  closeSync(log);
  child.stdin?.on("error", () => undefined);
  return child;
}

function notReady({ id, logFile }: BenchNode, why: string): Error {
  const lines = readFileSync(logFile, "utf8").trimEnd().split("\n");
  const log = lines.slice(-LOG_LINES_SHOWN).map((line) => `\n    ${line}`);
  return new Error(`node ${id} is not ready: ${why}; the end of its log:${log.join("")}`);
}

function ended(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const limit = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.once("exit", () => {
      clearTimeout(limit);
      resolve();
    });
    child.kill(signal);
  });
}
