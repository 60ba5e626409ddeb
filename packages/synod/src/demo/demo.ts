import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { NodeStatus } from "@synod/server";
import { CommandFailure } from "../exit-codes.ts";
import { lockFolder } from "../lock-folder.ts";
import { membersAt } from "../member/ask-members.ts";
import { askStatus } from "../status-command.ts";
import {
  type DemoFolder,
  type DemoNode,
  type DemoOptions,
  makeFolder,
  prepareFolder,
} from "./demo-folder.ts";
import { checkPorts } from "./free-ports.ts";
import { type Supervised, supervise } from "./supervise.ts";

const BIN = fileURLToPath(new URL("../../bin/synod.js", import.meta.url));

/** A cluster that is not ready by then is shown as it is. */
const READY_MS = 15_000;
const POLL_MS = 50;

/**
 * Runs all nodes as children until a signal asks for the end, or until one of them cannot start.
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  await makeFolder(options.dir);
  const unlock = await lockFolder(
    options.dir,
    "another demo uses the folder: stop it, or choose another folder with --dir",
  );
  try {
    const folder = await prepareFolder(options);
    await checkPorts(folder.nodes.flatMap(portsOf));
    await runNodes(folder);
  } finally {
    await unlock();
  }
}

function portsOf({ id, member }: DemoNode) {
  return [
    { ...splitAddress(member.http), purpose: `HTTP of node ${id}` },
    { ...splitAddress(member.peer), purpose: `peers of node ${id}` },
  ];
}

function splitAddress(address: string): { host: string; port: number } {
  const { hostname, port } = new URL(`tcp://${address}`);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
}

async function runNodes(folder: DemoFolder): Promise<void> {
  const count = folder.nodes.length;
  const state = folder.isNew ? "a new cluster" : "the cluster of last time";
  const nodesOf = `${count} ${count === 1 ? "node" : "nodes"} of ${folder.protocol}`;
  say(`${nodesOf}, ${state}, data in ${folder.shownAs}`);
  let end: (failure: CommandFailure | null) => void = () => {};
  const ended = new Promise<CommandFailure | null>((resolve) => {
    end = resolve;
  });
  const nodes = folder.nodes.map((node) => ({
    node,
    supervised: superviseNode(folder, node, end),
  }));
  const release = onSignals(
    () => end(null),
    nodes.map(({ supervised }) => supervised),
  );
  const abort = new AbortController();
  const shown = showWhenReady(nodes, abort.signal);
  const failure = await ended;
  abort.abort();
  await shown;
  say("stopping…");
  for (const { supervised } of nodes) supervised.retire();
  for (const { supervised } of nodes) await supervised.stop();
  release();
  if (failure !== null) throw failure;
  say(`stopped; the data stays in ${folder.shownAs}`);
}

function superviseNode(
  folder: DemoFolder,
  { id, directory, logFile }: DemoNode,
  end: (failure: CommandFailure) => void,
): Supervised {
  let starts = 0;
  const where = ["--id", String(id), "--cluster", folder.clusterFile, "--dir", directory];
  return supervise({
    command: process.execPath,
    args: [BIN, "start", ...where, "--stop-with-stdin"],
    logFile,
    started: (pid) => {
      starts += 1;
      if (starts > 1) say(`node ${id} started again, pid ${pid}`);
    },
    died: (how, delayMs) => say(`node ${id} ${how}; starting it again in ${delayMs} ms`),
    complained: (line) => say(`node ${id}: ${line}`),
    hopeless: (exit, complaint) => {
      const why = complaint.replace(/^synod: /, "") || `see ${logFile}`;
      end(new CommandFailure(exit, `node ${id} cannot start: ${why}`));
    },
  });
}

/** Waits until all nodes are ready, then tells where they are and what to try. */
async function showWhenReady(
  nodes: readonly { readonly node: DemoNode; readonly supervised: Supervised }[],
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + READY_MS;
  const lines: string[] = [];
  for (const { node, supervised } of nodes) {
    const url = `http://${node.member.http}`;
    let report = await askStatus(url, 1_000);
    while (!signal.aborted && !isSettled(report.status) && Date.now() < deadline) {
      await sleep(POLL_MS);
      report = await askStatus(url, 1_000);
    }
    if (signal.aborted) return;
    if (report.status !== null) supervised.markWorking();
    const { status } = report;
    const state = status === null ? report.reason : status.notReadyReason || status.role;
    const pid = status === null ? "" : `pid ${status.pid}`;
    lines.push(`  node ${node.id}  ${url}  peers ${node.member.peer}  ${pid}  ${state}`);
  }
  for (const line of lines) say(line);
  const members = await membersNow(nodes.map(({ node }) => node));
  if (members !== null) say(members);
  for (const line of whatToTry(nodes.map(({ node }) => node))) say(line);
}

/** A node that left the cluster is never ready, and there is nothing to wait for. */
function isSettled(status: NodeStatus | null): boolean {
  return status?.ready === true || status?.membership === "retired";
}

/**
 * Who the members are when these are not just the nodes of the demo any more, as the node knows
 * that has come furthest: those that left early were not told of later changes.
 */
async function membersNow(nodes: readonly DemoNode[]): Promise<string | null> {
  const lists = await Promise.all(nodes.map(({ member }) => membersAt(`http://${member.http}`)));
  const known = lists.filter((list) => list !== null);
  const newest = known.sort((a, b) => b.configuration - a.configuration)[0];
  if (newest === undefined || newest.configuration === 1) return null;
  const ids = newest.members.map(({ id }) => id).join(", ");
  return `members by now: ${ids} (configuration ${newest.configuration})`;
}

function whatToTry(nodes: readonly DemoNode[]): string[] {
  const at = (index: number) =>
    (nodes[index % nodes.length]?.member.http ?? "").replace(/^127\.0\.0\.1/, "localhost");
  return [
    "try, in another terminal:",
    `  curl -i ${at(0)}/foo -d 'hello paxos'`,
    `  curl -i ${at(1)}/foo`,
    `  curl -s ${at(2)}/_synod/status`,
    "Ctrl-C stops all nodes; `kill -9` of any of them loses nothing",
  ];
}

/** The first signal ends in order, a second one at once. Returns what takes the handlers away. */
function onSignals(stop: () => void, supervised: readonly Supervised[]): () => void {
  let asked = false;
  const handler = (): void => {
    if (asked) for (const child of supervised) child.kill();
    asked = true;
    stop();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
