import { createHistogram } from "node:perf_hooks";
import { HttpConnection, RequestTemplate } from "./http-connection.ts";
import type { Load, LoadMessage, LoadRequest, LoadResult } from "./load.ts";
import { Rate } from "./rate.ts";

/** The load generator, a process of its own: told by its first argument, answers over IPC. */
const load = JSON.parse(process.argv[2] ?? "") as Load;

const latencies = createHistogram();
let done = 0;
let failures = 0;
let sent = 0;
let mark = Number.POSITIVE_INFINITY;
let measuring = false;
let ended = false;
let startedAt = 0;
const perSecond: number[] = [];
let cpuBefore = process.cpuUsage();
/** A linear congruential walk: cheap, and visits keys without a pattern. */
let walk = 12_345;

function tell(message: LoadMessage): void {
  process.send?.(message);
}

function nextKey(): number {
  if (ended || sent >= load.requests) return -1;
  sent += 1;
  if (load.inOrder) return (sent - 1) % load.keys;
  walk = (Math.imul(walk, 1_664_525) + 1_013_904_223) >>> 0;
  return walk % load.keys;
}

function answered(status: number, sentAt: number): void {
  const now = performance.now();
  if (status >= 400 && status !== 404) {
    failures += 1;
    return;
  }
  if (sentAt >= mark) {
    tell({ kind: "first after mark", at: performance.timeOrigin + now });
    mark = Number.POSITIVE_INFINITY;
  }
  if (!measuring) return;
  done += 1;
  const second = secondOf(now);
  perSecond[second] = (perSecond[second] ?? 0) + 1;
  latencies.record(Math.max(1, Math.round((now - sentAt) * 1_000)));
  if (done + failures >= load.requests) end();
}

/** How many seconds are over; makes room for the one that is not. */
function secondOf(now: number): number {
  const second = Math.floor((now - startedAt) / 1_000);
  while (perSecond.length <= second) perSecond.push(0);
  return second;
}

function begin(): void {
  measuring = true;
  startedAt = performance.now();
  cpuBefore = process.cpuUsage();
  tell({ kind: "measuring" });
}

function end(): void {
  if (ended) return;
  ended = true;
  const now = performance.now();
  secondOf(now);
  const seconds = (now - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const result: LoadResult = {
    done,
    failures,
    seconds,
    p50Ms: latencies.percentile(50) / 1_000,
    p99Ms: latencies.percentile(99) / 1_000,
    maxMs: done === 0 ? 0 : latencies.max / 1_000,
    beganAt: performance.timeOrigin + startedAt,
    perSecond,
    cores: (user + system) / 1e6 / seconds,
  };
  tell({ kind: "result", result });
  for (const connection of connections) connection.end();
  clearInterval(progress);
  rate?.end();
  process.disconnect?.();
}

process.on("message", (request: LoadRequest) => {
  if (request.kind === "mark") mark = request.at - performance.timeOrigin;
  else end();
});

// Also when whoever started this is gone: nobody is left to measure for.
process.on("disconnect", () => process.exit());

const template = new RequestTemplate(load.method, load.valueBytes);
const rate = load.perSecond === null ? null : new Rate(load.perSecond);
const whenDue = (send: (from: number) => void): void =>
  rate === null ? send(performance.now()) : rate.whenDue(send);
const listener = { whenDue, nextKey, answered, broken: () => (failures += 1) };
const connections = Array.from({ length: load.connections }, (_, index) => {
  const target = load.targets[index % load.targets.length];
  if (target === undefined) throw new Error("no targets");
  return new HttpConnection(target, template, listener);
});
const progress = setInterval(() => tell({ kind: "progress", done }), 250);
setTimeout(begin, load.warmUpMs);
setTimeout(end, load.warmUpMs + load.measureMs).unref();
