import { crc32 as zlibCrc32 } from "node:zlib";
import type { BroadcastMessage, BroadcastState } from "@synod/core/protocols/broadcast";
import {
  type MultipaxosMessage,
  type MultipaxosState,
  multipaxos,
} from "@synod/core/protocols/multipaxos";
import type { OmniPaxosMessage, OmniPaxosState } from "@synod/core/protocols/omnipaxos";
import type { PaxosMessage, PaxosState } from "@synod/core/protocols/paxos";
import type { PmmcMessage, PmmcState } from "@synod/core/protocols/pmmc";
import { KeyValueMachine, keyValue } from "@synod/machines";
import {
  type Life,
  type OperationCodec,
  type SimulatedSystem,
  withReconfiguration,
} from "@synod/simulator";
import { BROADCAST_SYSTEM } from "./broadcast-system.ts";
import { MULTIPAXOS_PROBES } from "./multipaxos-probes.ts";
import { describeMessage } from "./multipaxos-story.ts";
import { createMultipaxosWatch } from "./multipaxos-watch.ts";
import { OMNIPAXOS_SYSTEM } from "./omnipaxos-system.ts";
import { leadDueIn, omnipaxosOptions } from "./omnipaxos-tuning.ts";
import { PAXOS_SYSTEM } from "./paxos-system.ts";
import { leaseTuning, PMMC_SYSTEM } from "./pmmc-system.ts";

/** Of a log, in a life of minutes. */
const OPERATIONS_MIN = 500;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The key-value machine in the words of clients and oracles. */
const keyValueOperations: OperationCodec = {
  put: (key, value) => keyValue.put(key, encoder.encode(value)),
  remove: (key) => keyValue.delete(key),
  get: (key) => keyValue.get(key),
  effect: (payload) => {
    const operation = keyValue.operation(payload);
    if (operation.kind === "put")
      return { key: operation.key, value: decoder.decode(payload.subarray(operation.valueAt)) };
    return operation.kind === "delete" ? { key: operation.key, value: null } : null;
  },
  answer: (result) => {
    const answer = keyValue.result(result);
    if (answer?.kind === "found") return decoder.decode(answer.value);
    return answer?.kind === "absent" ? null : undefined;
  },
};

/**
 * Small limits, different from life to life, so that chunks, windows and transfers all get their
 * turn.
 */
function multipaxosTuning(life: Life): Record<string, number> {
  const pick = pickFor(life);
  return {
    ...slowness(life),
    window: pick([1, 2, 8, 8, 32], 3),
    chunkBytes: pick([512, 4_096, 65_536], 6),
    promiseBytes: pick([512, 8_192, 1_048_576], 9),
    retainBytes: pick([0, 2_048, 16_384, 1_048_576], 12),
    batchBytesMax: pick([256, 4_096, 65_536], 15),
  };
}

function pmmcTuning(life: Life): Record<string, number> {
  const pick = pickFor(life);
  const { heartbeatMs, electionMs, resendMs } = slowness(life);
  return {
    pingMs: heartbeatMs,
    reportMs: heartbeatMs,
    timeoutMs: electionMs,
    timeoutMaxMs: 3 * electionMs,
    resendMs,
    retryMs: resendMs,
    window: pick([1, 2, 8, 8, 32], 3),
    chunkBytes: pick([512, 4_096, 65_536], 6),
    retainBytes: pick([0, 2_048, 16_384, 1_048_576], 9),
    batchBytesMax: pick([256, 4_096, 65_536], 12),
    commandersMax: pick([1, 8, 256], 15),
  };
}

function broadcastTuning(life: Life): Record<string, number> {
  const pick = pickFor(life);
  const { heartbeatMs, electionMs, resendMs } = slowness(life);
  return {
    yieldMs: pick([electionMs / 8, electionMs / 2], 1),
    yieldMaxMs: 8 * electionMs,
    gossipMs: 2 * heartbeatMs,
    resendMs,
    window: pick([1, 2, 4, 8], 3),
    chunkBytes: pick([512, 4_096, 65_536], 6),
    retainBytes: pick([0, 2_048, 16_384, 1_048_576], 9),
    batchBytesMax: pick([256, 4_096, 65_536], 12),
  };
}

/** Picks by a few bits of the life's seed. */
function pickFor(life: Life): (from: readonly number[], shift: number) => number {
  return (from, shift) => from[((life.seed * 2_654_435_761) >>> shift) % from.length] as number;
}

/** Time-outs leave room for the slowest round trip of the life. */
function slowness(life: Life): { heartbeatMs: number; electionMs: number; resendMs: number } {
  const { delayMinMs, delayMeanMs } = life.network;
  const roundTripMs = 2 * (delayMinMs + 3 * delayMeanMs) + 10 * life.disk.syncMs;
  const electionMs = Math.max(400, 4 * roundTripMs);
  return { heartbeatMs: electionMs / 5, electionMs, resendMs: Math.max(100, 2 * roundTripMs) };
}

const multipaxosKeyValue: SimulatedSystem<MultipaxosState, MultipaxosMessage> = {
  protocol: multipaxos,
  operations: keyValueOperations,
  checksum: zlibCrc32,
  createMachine: () => new KeyValueMachine(),
  protocolTuning: multipaxosTuning,
  electionTimeoutMs: (life) => 2 * slowness(life).electionMs,
  electionEvents: { begun: "campaign", won: "elected" },
  leaders: { keptAtRest: true },
  operationsMin: OPERATIONS_MIN,
  adapt: (life) => life,
  isVote: (message) =>
    message.kind === "promise" || message.kind === "accepted" || message.kind === "heartbeatAck",
  describe: describeMessage,
  createWatch: createMultipaxosWatch,
  probes: MULTIPAXOS_PROBES,
};

const omnipaxosKeyValue: SimulatedSystem<OmniPaxosState, OmniPaxosMessage> = {
  ...OMNIPAXOS_SYSTEM,
  leaders: {
    keptAtRest: true,
    dueIn: (life, members) => leadDueIn(life, slowness(life).electionMs, members),
  },
  operations: keyValueOperations,
  checksum: zlibCrc32,
  createMachine: () => new KeyValueMachine(),
  protocolTuning: (life, node) => ({
    ...multipaxosTuning(life),
    priority: pickFor(life)([0, 1, 2], 18),
    ...omnipaxosOptions(life, node, slowness(life).electionMs),
  }),
  electionTimeoutMs: (life) => 2 * slowness(life).electionMs,
  operationsMin: OPERATIONS_MIN,
  adapt: withReconfiguration,
};

const broadcastKeyValue: SimulatedSystem<BroadcastState, BroadcastMessage> = {
  ...BROADCAST_SYSTEM,
  operations: keyValueOperations,
  checksum: zlibCrc32,
  createMachine: () => new KeyValueMachine(),
  protocolTuning: broadcastTuning,
  electionTimeoutMs: (life) => 2 * slowness(life).electionMs,
  operationsMin: OPERATIONS_MIN,
  adapt: (life) => life,
};

const pmmcKeyValue: SimulatedSystem<PmmcState, PmmcMessage> = {
  ...PMMC_SYSTEM,
  operations: keyValueOperations,
  checksum: zlibCrc32,
  createMachine: () => new KeyValueMachine(),
  protocolTuning: (life) => ({
    ...pmmcTuning(life),
    ...leaseTuning(life, slowness(life).electionMs),
  }),
  electionTimeoutMs: (life) => 2 * slowness(life).electionMs,
  operationsMin: OPERATIONS_MIN,
  // Its leaders stand without asking whether anybody misses the other one.
  leaders: { keptAtRest: false },
};

const paxosKeyValue: SimulatedSystem<PaxosState, PaxosMessage> = {
  ...PAXOS_SYSTEM,
  operations: keyValueOperations,
  checksum: zlibCrc32,
  createMachine: () => new KeyValueMachine(),
};

export type SystemName = "broadcast" | "multipaxos" | "omnipaxos" | "paxos" | "pmmc";

/** What `--protocol` may name; whoever runs one need not know what its states look like. */
// biome-ignore lint/suspicious/noExplicitAny: each brings states and messages of its own
export const SYSTEMS: Readonly<Record<SystemName, SimulatedSystem<any, any>>> = {
  broadcast: broadcastKeyValue,
  multipaxos: multipaxosKeyValue,
  omnipaxos: omnipaxosKeyValue,
  paxos: paxosKeyValue,
  pmmc: pmmcKeyValue,
};
