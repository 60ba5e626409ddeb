import {
  encodeReconfiguration,
  type PmmcMessage,
  type PmmcState,
  pmmc,
} from "@synod/core/protocols/pmmc";
import { keyValue } from "@synod/machines";
import { expect, test } from "vitest";
import { stateHash } from "../state-hash.ts";
import { Lab } from "../testing/lab.ts";

/**
 * PMMC with its roles on different nodes, under the real host: replicas alone have a machine, and
 * the others cut their journals by themselves. Two spares wait for a reconfiguration.
 */
const ROLES = [
  ...[["replica"], ["replica"], ["replica"]],
  ...[["leader"], ["leader"]],
  ...[["acceptor"], ["acceptor"], ["acceptor"]],
  ...[["spare"], ["spare"]],
];
const REPLICAS = [0, 1, 2];
const LEADERS = [3, 4];
const ACCEPTORS = [5, 6, 7];
const SPARES = [8, 9];
const SMALL = { segmentBytes: 8_192, journalBytesMax: 16_384, chunkBytes: 512, resubmitMs: 300 };

type RolesLab = Lab<PmmcState, PmmcMessage>;

function started(): RolesLab {
  const lab = new Lab<PmmcState, PmmcMessage>({
    protocol: pmmc,
    roles: ROLES,
    withoutMachine: [...LEADERS, ...ACCEPTORS, ...SPARES],
    tuning: SMALL,
    protocolTuning: { window: 5, retainBytes: 0, checkpointBytes: 16_384, batchBytesMax: 256 },
  });
  lab.startAll();
  expect(lab.runUntil(() => lab.nodes.every(({ isUp }) => isUp))).toBe(true);
  return lab;
}

/** Distinct keys at the replicas that are up; done when all are answered. */
function write(lab: RolesLab, count: number, prefix: string): void {
  const up = REPLICAS.filter((id) => lab.node(id).isUp);
  const tokens = Array.from({ length: count }, (_, n) =>
    lab.put(up[n % up.length] as number, `${prefix}-${n}`, "x".repeat(50)),
  );
  expect(lab.runUntil(() => lab.allDone(tokens))).toBe(true);
}

function positions(lab: RolesLab): Set<number> {
  return new Set(REPLICAS.map((id) => lab.node(id).host?.status().executedUpTo.index ?? -1));
}

function agree(lab: RolesLab): void {
  expect(lab.runUntil(() => positions(lab).size === 1 && !positions(lab).has(-1))).toBe(true);
  const hashes = REPLICAS.map((id) => stateHash(lab.node(id).machine?.freeze() as never));
  expect(new Set(hashes).size).toBe(1);
}

function holds(lab: RolesLab, id: number, key: string): boolean {
  return lab.node(id).machine?.query(keyValue.get(key))[0] === 0x11;
}

test("members without a machine cut their journals; a replica that lags gets a snapshot", () => {
  const lab = started();
  write(lab, 100, "before");
  lab.crash(2);
  for (let round = 0; round < 3; round += 1) write(lab, 150, `round-${round}`);
  lab.run(3_000);
  for (const id of ACCEPTORS) {
    const status = lab.node(id).host?.status();
    expect(status?.replica.detail["gcSlot"]).toBeGreaterThan(20);
    expect(status?.journalBytes).toBeLessThan(4 * SMALL.journalBytesMax);
  }
  lab.start(2);
  agree(lab);
  expect(lab.node(2).events.some((event) => event.startsWith("state installed"))).toBe(true);
  expect(holds(lab, 2, "round-0-3")).toBe(true);
});

test("all at once lose their power, and nothing that was answered is gone", () => {
  const lab = started();
  write(lab, 120, "before");
  for (const { id } of lab.nodes) lab.crash(id, "power");
  lab.startAll();
  expect(lab.runUntil(() => lab.nodes.every(({ isUp }) => isUp))).toBe(true);
  write(lab, 10, "after");
  agree(lab);
  for (let n = 0; n < 120; n += 1) expect(holds(lab, n % 3, `before-${n}`)).toBe(true);
});

test("a reconfiguration outlives snapshots, restarts, and those that it relieved", () => {
  const lab = started();
  write(lab, 50, "before");
  const payload = encodeReconfiguration({ number: 1, leaders: [4], acceptors: [7, ...SPARES] });
  lab.node(0).host?.propose({
    token: 1_000_000,
    payload,
    session: null,
    deadlineMs: 60_000,
    kind: "configure",
  });
  expect(lab.runUntil(() => lab.outcomes.get(1_000_000)?.kind === "done")).toBe(true);
  // Past the WINDOW, and until replicas hold the old slots in snapshots.
  for (let round = 0; round < 3; round += 1) write(lab, 150, `round-${round}`);
  lab.run(3_000);
  for (const id of [3, 5, 6]) lab.crash(id);
  for (const id of REPLICAS) lab.crash(id);
  for (const id of REPLICAS) lab.start(id);
  expect(lab.runUntil(() => REPLICAS.every((id) => lab.node(id).isUp))).toBe(true);
  write(lab, 30, "after");
  agree(lab);
  for (const id of REPLICAS) expect(lab.node(id).host?.status().replica.detail["epoch"]).toBe(1);
  for (const id of SPARES)
    expect(lab.node(id).host?.status().replica.detail["entries"]).toBeGreaterThan(0);
});
