import type { NodeId } from "@synod/core";
import {
  type MultipaxosMessage,
  type MultipaxosState,
  multipaxos,
} from "@synod/core/protocols/multipaxos";
import { describe, expect, test } from "vitest";
import { Lab } from "../testing/lab.ts";

/**
 * A disk that is put back as it was some time ago. It has forgotten a vote that a write rests on,
 * and counts its starts on from where it was copied.
 */
type MultiLab = Lab<MultipaxosState, MultipaxosMessage>;

function up(lab: MultiLab, ...ids: NodeId[]): void {
  for (const id of ids) lab.start(id);
  expect(lab.runUntil(() => ids.every((id) => lab.node(id).isUp))).toBe(true);
}

function write(lab: MultiLab, id: NodeId, key: string): void {
  const token = lab.put(id, key, `of ${key}`);
  expect(lab.runUntil(() => lab.allDone([token]))).toBe(true);
}

function restart(lab: MultiLab, id: NodeId): void {
  lab.crash(id);
  up(lab, id);
  lab.run(500);
}

/**
 * All have met the latest start of 2; then 1 and 2 alone choose `kept`, and 2 gets back the disk of
 * `restarts` starts ago. Everybody is down.
 */
function restored(restarts: number): MultiLab {
  const lab: MultiLab = new Lab({
    protocol: multipaxos,
    roles: [[], [], []],
    tuning: { resubmitMs: 300 },
  });
  up(lab, 0, 1, 2);
  write(lab, 1, "before");
  lab.run(1_000);
  const copy = lab.node(2).disk.platter();
  for (let nth = 0; nth < restarts; nth += 1) restart(lab, 2);
  lab.crash(0);
  write(lab, 1, "kept");
  lab.crash(1);
  lab.crash(2);
  lab.node(2).disk.restore(copy);
  return lab;
}

describe("an old copy of a disk that starts alone some times before it meets anybody", () => {
  test.each([
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 1],
    [5, 1],
    [2, 3],
    [5, 3],
  ])("%i starts, copied %i starts before: it never votes on what it forgot", (alone, restarts) => {
    const lab = restored(restarts);
    for (let start = 1; start < alone; start += 1) {
      up(lab, 2);
      lab.run(50);
      lab.crash(2);
    }
    up(lab, 2, 0);
    const asked = [lab.get(0, "kept"), lab.put(0, "late", "of late")];
    expect(lab.runUntil(() => lab.node(2).ended !== null)).toBe(true);
    expect(lab.node(2).ended).toMatch(/old copy/);
    restart(lab, 2);
    lab.run(2_000);
    for (const token of asked) expect(lab.outcomes.get(token)).toBeUndefined();
    expect(lab.node(2).host?.status()).toMatchObject({ voter: false });
    up(lab, 1);
    expect(lab.runUntil(() => lab.allDone(asked))).toBe(true);
    expect(lab.value(asked[0] as number)).toBe("of kept");
  });

  test("the disk itself may start alone as often as it likes", () => {
    const honest: MultiLab = new Lab({ protocol: multipaxos, roles: [[], [], []] });
    up(honest, 0, 1, 2);
    write(honest, 1, "before");
    honest.run(1_000);
    honest.crash(0);
    honest.crash(1);
    for (let start = 0; start < 6; start += 1) restart(honest, 2);
    up(honest, 0);
    write(honest, 0, "after");
    expect(honest.node(2).host?.status()).toMatchObject({ voter: true, nonVoterReason: "" });
  });

  test("earlier starts are shown no longer than some member may remember no later one", () => {
    const lab: MultiLab = new Lab({ protocol: multipaxos, roles: [[], [], []] });
    up(lab, 0, 1, 2);
    lab.run(1_000);
    lab.crash(0);
    for (let start = 0; start < 40; start += 1) restart(lab, 2);
    write(lab, 1, "without 0");
    up(lab, 0);
    write(lab, 0, "with 0");
    lab.run(2_000);
    expect(lab.node(2).host?.status()).toMatchObject({ voter: true });
    lab.crash(1);
    write(lab, 2, "without 1");
  });
});
