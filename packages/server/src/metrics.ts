import type { HostStatus } from "@synod/runtime";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";
import type { StallMeter } from "./stall-meter.ts";

/** One gauge per line: name, help, value. All are read from one status per scrape. */
const GAUGES: readonly (readonly [string, string, (status: HostStatus) => number])[] = [
  ["synod_leader", "1 while this node takes itself for the leader", isLeader],
  [
    "synod_has_leader",
    "1 while this node knows a leader",
    (s) => Number(s.replica.leader !== null),
  ],
  ["synod_voter", "1 while this node votes", (s) => Number(s.voter)],
  ["synod_ready", "1 while this node has caught up and answers", (s) => Number(s.ready)],
  ["synod_chosen_up_to", "Highest slot up to which all are known to be chosen", chosenUpTo],
  ["synod_executed_up_to", "Highest executed slot", (s) => s.executedUpTo.index],
  ["synod_execution_lag", "Slots known to be chosen and not executed yet", lag],
  [
    "synod_compacted_up_to",
    "Highest slot that only snapshots hold",
    (s) => s.replica.compactedUpTo,
  ],
  ["synod_configuration", "Number of the configuration", (s) => s.configuration],
  ["synod_incarnation", "Starts of this data directory", (s) => s.incarnation],
  ["synod_journal_bytes", "Bytes of the journal on disk", (s) => s.journalBytes],
  ["synod_snapshot_bytes", "Bytes of the newest snapshot on disk", (s) => s.snapshotBytes],
  ["synod_sessions", "Client sessions in the replicated state", (s) => s.sessions],
  ["synod_outstanding", "Requests of this node that wait for consensus", (s) => s.outstanding],
  ["synod_disk_full", "1 while writes are refused for lack of space", (s) => Number(s.diskFull)],
];

export interface MetricsSources {
  readonly registry: Registry;
  readonly status: () => HostStatus;
  readonly stalls: StallMeter;
  /** Numbers of the node's adapters, by name without prefix; all of them only rise. */
  readonly counters: () => Readonly<Record<string, number>>;
}

/** Text of `GET /_synod/metrics`. */
export function createMetrics(sources: MetricsSources): () => Promise<string> {
  const { registry, stalls } = sources;
  const registers = [registry];
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 10 });
  const gauges = GAUGES.map(([name, help]) => new Gauge({ name, help, registers }));
  const role = new Gauge({
    name: "synod_role",
    help: "1 for the role that this node has",
    labelNames: ["role"],
    registers,
  });
  const protocol = new Gauge({
    name: "synod_protocol",
    help: "1 for the protocol that this node runs",
    labelNames: ["protocol"],
    registers,
  });
  const connected = new Gauge({
    name: "synod_peer_connected",
    help: "1 while there is a connection with the peer",
    labelNames: ["peer"],
    registers,
  });
  const refused = new Gauge({
    name: "synod_peer_refused",
    help: "1 while the votes of the peer are not taken",
    labelNames: ["peer"],
    registers,
  });
  const stallMax = new Gauge({
    name: "synod_event_loop_stall_max_seconds",
    help: "Longest time since the start in which the event loop was held up",
    registers,
  });
  const stallRecent = new Gauge({
    name: "synod_event_loop_stall_recent_seconds",
    help: "Longest time in the last one to two minutes in which the event loop was held up",
    registers,
  });
  const counters = new CounterGauges(registry);
  return () => {
    const status = sources.status();
    for (const [index, gauge] of gauges.entries()) gauge.set(gaugeValue(index, status));
    role.reset();
    role.labels(status.replica.role).set(1);
    protocol.labels(status.protocol).set(1);
    connected.reset();
    refused.reset();
    for (const peer of status.peers) {
      connected.labels(String(peer.node)).set(Number(peer.connected));
      refused.labels(String(peer.node)).set(Number(peer.refused !== ""));
    }
    stallMax.set(stalls.longestMs() / 1_000);
    stallRecent.set(stalls.recentMs() / 1_000);
    counters.set(sources.counters());
    return registry.metrics();
  };
}

/** Counters that somebody else counts. */
class CounterGauges {
  readonly #registry: Registry;
  readonly #gauges = new Map<string, Gauge>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  set(values: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(values)) {
      let gauge = this.#gauges.get(name);
      if (gauge === undefined) {
        const help = `${name.replaceAll("_", " ")} since the start`;
        gauge = new Gauge({ name: `synod_${name}_total`, help, registers: [this.#registry] });
        this.#gauges.set(name, gauge);
      }
      gauge.set(value);
    }
  }
}

function gaugeValue(index: number, status: HostStatus): number {
  const gauge = GAUGES[index];
  return gauge === undefined ? 0 : gauge[2](status);
}

function isLeader(status: HostStatus): number {
  return Number(status.replica.leader === status.node);
}

function chosenUpTo(status: HostStatus): number {
  return status.replica.chosenUpTo;
}

function lag(status: HostStatus): number {
  return Math.max(0, status.replica.chosenUpTo - status.executedUpTo.index);
}
