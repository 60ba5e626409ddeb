import { setTimeout as sleep } from "node:timers/promises";
import type { MemberList } from "@synod/server";
import { BenchCluster, type BenchNode } from "./cluster.ts";
import type { LoadResult } from "./load.ts";
import type { Item, Report, RunOptions } from "./report.ts";
import { startLoad, USUAL_LOAD } from "./run-load.ts";
import { StolenTime } from "./stolen.ts";
import { type Course, courseOf, NORMAL, QUIET, type Second } from "./windows.ts";

const MB = 1_000_000;
/** Within this a change has to be over, on however slow a machine. */
const CHANGE_MS = 300_000;
const POLL_MS = 100;
/** Under load before anything is changed: long enough to see how uneven that is by itself. */
const BEFORE_MS = 30_000;
const AFTER_MS = 30_000;
const QUICK_MS = 3_000;
/** Part of what the machine can do at all that a sparing load asks for. */
const SPARING = 0.6;

interface Scenario {
  readonly name: string;
  /** How many of the three members another node takes the place of. */
  readonly replaced: number;
  /** Newcomers fetch the state from the member that led before, and from nobody else. */
  readonly leaderOnly: boolean;
  /** As many writes as are answered; or {@link SPARING} of what that was, answered or not. */
  readonly load: "full" | "sparing";
}

const SCENARIOS: readonly Scenario[] = [
  { name: "one of three", replaced: 1, leaderOnly: false, load: "full" },
  { name: "a majority", replaced: 2, leaderOnly: false, load: "full" },
  { name: "a majority, state from the leader only", replaced: 2, leaderOnly: true, load: "full" },
  { name: "one of three, sparing load", replaced: 1, leaderOnly: false, load: "sparing" },
  { name: "a majority, sparing load", replaced: 2, leaderOnly: false, load: "sparing" },
];

interface Found {
  readonly course: Course;
  readonly load: LoadResult;
  /** Until all members hold the state and have caught up. */
  readonly seconds: number;
  readonly stateBytes: number;
  /** In seconds since the first of the load. */
  readonly at: number;
}

/**
 * Members of a cluster that holds much are replaced under load, over HTTP: the command would take
 * a core for a second to start. The leader stays, and all writes go to it: those who leave or come
 * are not what is asked.
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
      let full = 0;
      let members = cluster.nodes.map(({ id }) => id);
      for (const scenario of SCENARIOS) {
        options.say(scenario.name);
        const leader = await cluster.leader();
        const leaving = members.filter((id) => id !== leader).slice(0, scenario.replaced);
        const coming: BenchNode[] = [];
        for (const _ of leaving)
          coming.push(await cluster.addNewcomer(scenario.leaderOnly ? leader : null));
        const perSecond = scenario.load === "full" ? null : Math.round(SPARING * full);
        const change = { leader, leaving, coming, entries, perSecond };
        const seen = await replace(cluster, change, options);
        if (perSecond === null) full = seen.course.usual;
        found.push([scenario, seen]);
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
  /** Writes asked for; null: as many as are answered. */
  readonly perSecond: number | null;
}

/** Under load from some seconds before until some seconds after. */
async function replace(cluster: BenchCluster, change: Change, options: RunOptions): Promise<Found> {
  const { leader, entries, perSecond } = change;
  const target = cluster.node(leader).http;
  const stolen = new StolenTime();
  const load = startLoad({ ...USUAL_LOAD, targets: [target], keys: entries, perSecond });
  const begunAt = perform(cluster, change, options).finally(load.end);
  const [{ begun, ended }, result] = await Promise.all([begunAt, load.result]);
  stolen.stop();
  const at = (begun - result.beganAt) / 1_000;
  const stateBytes = (await cluster.status(leader))?.snapshotBytes ?? 0;
  const seconds = (ended - begun) / 1_000;
  const windows: Second[] = result.perSecond.map((done, second) => {
    return { done, stolen: stolen.percent(result.beganAt + 1_000 * second) };
  });
  const course = courseOf(windows, at, at + seconds, perSecond);
  return { course, load: result, seconds, stateBytes, at };
}

/** When the change was begun and when it was over, of `Date.now()`. */
async function perform(
  cluster: BenchCluster,
  { leader, leaving, coming }: Change,
  { quick, say }: RunOptions,
): Promise<{ readonly begun: number; readonly ended: number }> {
  await sleep(quick ? QUICK_MS : BEFORE_MS);
  const { host, port } = cluster.node(leader).http;
  const url = `http://${host}:${port}/_synod/members`;
  const begun = Date.now();
  const since = (): string => `${((Date.now() - begun) / 1_000).toFixed(1)} s`;
  for (const [index, { id, peer, dataId }] of coming.entries()) {
    await change(`${url}/${leaving[index]}`, JSON.stringify({ id, peer, dataId }));
    say(`node ${id} is a member after ${since()}`);
  }
  await isOver(
    url,
    coming.map(({ id }) => id),
  );
  say(`all hold the state after ${since()}`);
  for (const { http } of coming) await isReady(`http://${http.host}:${http.port}/_synod/ready`);
  const ended = Date.now();
  say(`all have caught up after ${since()}`);
  await sleep(quick ? QUICK_MS : AFTER_MS);
  return { begun, ended };
}

/** Puts another node in the place of a member, as soon as the cluster is ready for it. */
async function change(url: string, body: string): Promise<void> {
  const end = Date.now() + CHANGE_MS;
  for (;;) {
    const answer = await fetch(url, {
      method: "PUT",
      headers: { "synod-deadline-ms": "5000" },
      body,
    });
    const said = await answer.text();
    if (answer.ok) return;
    const isEarly = answer.status >= 500 || said.includes("configuration-unsettled");
    if (!isEarly || Date.now() > end) throw new Error(`${url}: ${said}`);
    await sleep(POLL_MS);
  }
}

/** Until these are members, and all members hold the state. */
async function isOver(url: string, coming: readonly number[]): Promise<void> {
  const end = Date.now() + CHANGE_MS;
  for (;;) {
    const { members } = (await (await fetch(url)).json()) as MemberList;
    const areIn = coming.every((id) => members.some((member) => member.id === id));
    if (areIn && members.every(({ holdsState }) => holdsState)) return;
    if (Date.now() > end) throw new Error(`the change is not over: ${JSON.stringify(members)}`);
    await sleep(POLL_MS);
  }
}

/** Until it has executed what it knows to be chosen. */
async function isReady(url: string): Promise<void> {
  const end = Date.now() + CHANGE_MS;
  for (;;) {
    const answer = await fetch(url);
    const said = await answer.text();
    if (answer.ok) return;
    if (Date.now() > end) throw new Error(`${url}: ${said}`);
    await sleep(POLL_MS);
  }
}

function report(found: readonly (readonly [Scenario, Found])[], entries: number): Report {
  const figures: Record<string, number> = {};
  const rows = found.map(([{ name }, { course, load, seconds, stateBytes }]) => {
    figures[`reconfigure ${name}, drop %`] = course.dropPercent;
    figures[`reconfigure ${name}, longest low s`] = course.longestLow;
    return [
      name,
      course.usual.toFixed(0),
      course.worstUsual.toFixed(0),
      course.during.toFixed(0),
      course.dropPercent.toFixed(0),
      course.worst.toFixed(0),
      String(course.longestLow),
      course.quiet.map((part) => (100 * part).toFixed(0)).join(", "),
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
      "usual, ops/s",
      "worst second",
      "meanwhile, ops/s",
      "drop %",
      "worst second",
      `longest spell < ${percent} %, s`,
      "quiet seconds, %",
      "over after, s",
      "longest wait, ms",
      "failed",
      "state MB",
    ],
    rows,
    notes: [
      "usual and meanwhile: medians of quiet seconds, before and after a change and during it; " +
        `in a quiet one the host gave at most ${QUIET} % of the CPUs to others; usual under a ` +
        "sparing load: what was asked for",
      ...found.map(([{ name }, { load, at }]) => `${name}: ${story(load.perSecond, at)}`),
    ],
    figures,
  };
}

/** Every second; the change begins in the one after the bar. */
function story(perSecond: readonly number[], at: number): string {
  const seconds = perSecond.slice(0, -1).map(String);
  seconds.splice(Math.floor(at), 0, "|");
  return seconds.join(" ");
}
