import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { MemberList } from "@synod/server";
import { BenchCluster, type BenchNode, SYNOD } from "./cluster.ts";
import type { LoadResult } from "./load.ts";
import type { Item, Report, RunOptions } from "./report.ts";
import { startLoad, USUAL_LOAD } from "./run-load.ts";
import { type Course, courseOf, NORMAL } from "./windows.ts";

const MB = 1_000_000;
/** Within this a change has to be over, on however slow a machine. */
const CHANGE_MS = 300_000;
const POLL_MS = 100;

interface Scenario {
  readonly name: string;
  /** How many of the three members another node takes the place of. */
  readonly replaced: number;
  /** Newcomers fetch the state from the member that led before, and from nobody else. */
  readonly leaderOnly: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  { name: "one of three", replaced: 1, leaderOnly: false },
  { name: "a majority", replaced: 2, leaderOnly: false },
  { name: "a majority, state from the leader only", replaced: 2, leaderOnly: true },
];

interface Found {
  readonly course: Course;
  readonly load: LoadResult;
  /** Until all members hold the state. */
  readonly seconds: number;
  readonly stateBytes: number;
  /** In seconds since the first of the load. */
  readonly at: number;
}

/**
 * Members of a cluster that holds much are replaced under load, by the command that an operator
 * uses. The leader stays, and all writes go to it: those who leave or come are not what is asked.
 */
export const reconfigure: Item = {
  name: "reconfigure",
  summary: "writes per second while one member, and a majority, is replaced; 1,000,000 entries",
  run: async (options: RunOptions): Promise<Report> => {
    const entries = options.quick ? 20_000 : 1_000_000;
    const cluster = await BenchCluster.start(3, "omnipaxos");
    try {
      await preload(cluster, entries, options.say);
      const found: (readonly [Scenario, Found])[] = [];
      let members = cluster.nodes.map(({ id }) => id);
      for (const scenario of SCENARIOS) {
        options.say(scenario.name);
        const leader = await cluster.leader();
        const leaving = members.filter((id) => id !== leader).slice(0, scenario.replaced);
        const coming: BenchNode[] = [];
        for (const _ of leaving)
          coming.push(await cluster.addNewcomer(scenario.leaderOnly ? leader : null));
        found.push([
          scenario,
          await replace(cluster, { leader, leaving, coming, entries }, options),
        ]);
        members = members.filter((id) => !leaving.includes(id)).concat(coming.map(({ id }) => id));
        for (const id of leaving) await cluster.remove(id);
      }
      return report(found, entries);
    } finally {
      await cluster.stop();
    }
  },
};

async function preload(
  cluster: BenchCluster,
  entries: number,
  say: (line: string) => void,
): Promise<void> {
  const targets = cluster.nodes.map((node) => node.http);
  let said = 0;
  const progress = (done: number): void => {
    if (done < said + entries / 20) return;
    said = done;
    say(`${done} of ${entries} entries written`);
  };
  const fill = { ...USUAL_LOAD, targets, keys: entries, inOrder: true, requests: entries };
  await startLoad({ ...fill, connections: 256, warmUpMs: 0 }, { progress }).result;
}

interface Change {
  readonly leader: number;
  readonly leaving: readonly number[];
  readonly coming: readonly BenchNode[];
  readonly entries: number;
}

/** Under load from some seconds before until some seconds after. */
async function replace(cluster: BenchCluster, change: Change, options: RunOptions): Promise<Found> {
  const { leader, entries } = change;
  const target = cluster.node(leader).http;
  const load = startLoad({ ...USUAL_LOAD, targets: [target], keys: entries });
  const begunAt = perform(cluster, change, options).finally(load.end);
  const [{ begun, ended }, result] = await Promise.all([begunAt, load.result]);
  const at = (begun - result.beganAt) / 1_000;
  const stateBytes = (await cluster.status(leader))?.snapshotBytes ?? 0;
  const seconds = (ended - begun) / 1_000;
  return { course: courseOf(result.perSecond, at), load: result, seconds, stateBytes, at };
}

/** When the change was begun and when it was over, of `Date.now()`. */
async function perform(
  cluster: BenchCluster,
  { leader, leaving, coming }: Change,
  { quick, say }: RunOptions,
): Promise<{ readonly begun: number; readonly ended: number }> {
  await sleep(quick ? 3_000 : 11_000);
  const { host, port } = cluster.node(leader).http;
  const url = `http://${host}:${port}`;
  const begun = Date.now();
  const since = (): string => `${((Date.now() - begun) / 1_000).toFixed(1)} s`;
  for (const [index, { id, peer, dataId }] of coming.entries()) {
    const flags = ["--by", `${id}`, "--peer", peer, "--data-id", dataId, "--timeout", "60000"];
    await member("replace", `${leaving[index]}`, ...flags, "--url", url);
    say(`node ${id} is a member after ${since()}`);
  }
  await isOver(url);
  const ended = Date.now();
  say(`all hold the state after ${since()}`);
  await sleep(quick ? 3_000 : 20_000);
  return { begun, ended };
}

async function member(...args: readonly string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [SYNOD, "member", ...args]);
}

/** Until all members hold the state. */
async function isOver(url: string): Promise<void> {
  const end = Date.now() + CHANGE_MS;
  for (;;) {
    const answer = await fetch(`${url}/_synod/members`);
    const { members } = (await answer.json()) as MemberList;
    if (members.every(({ holdsState }) => holdsState)) return;
    if (Date.now() > end) throw new Error(`the change is not over: ${JSON.stringify(members)}`);
    await sleep(POLL_MS);
  }
}

function report(found: readonly (readonly [Scenario, Found])[], entries: number): Report {
  const figures: Record<string, number> = {};
  const rows = found.map(([{ name }, { course, load, seconds, stateBytes }]) => {
    figures[`reconfigure ${name}, drop %`] = course.dropPercent;
    figures[`reconfigure ${name}, back to normal s`] = course.backToNormal;
    return [
      name,
      course.before.toFixed(0),
      course.worst.toFixed(0),
      course.dropPercent.toFixed(0),
      String(course.low),
      course.backToNormal.toFixed(1),
      seconds.toFixed(1),
      load.maxMs.toFixed(0),
      String(load.failures),
      (stateBytes / MB).toFixed(0),
    ];
  });
  const percent = 100 * NORMAL;
  return {
    title: `Members replaced with ${entries} entries, 64 outstanding writes at the leader`,
    head: [
      "replaced",
      "before, ops/s",
      "worst second",
      "drop %",
      `seconds < ${percent} %`,
      "back to normal, s",
      "all hold the state, s",
      "longest wait, ms",
      "failed",
      "state MB",
    ],
    rows,
    notes: found.map(([{ name }, { load, at }]) => `${name}: ${story(load.perSecond, at)}`),
    figures,
  };
}

/** Every second; the change begins in the one after the bar. */
function story(perSecond: readonly number[], at: number): string {
  const seconds = perSecond.slice(0, -1).map(String);
  seconds.splice(Math.floor(at), 0, "|");
  return seconds.join(" ");
}
