import { majority } from "@synod/core";
import { type PmmcState, pmmc } from "@synod/core/protocols/pmmc";
import { expect, test } from "vitest";
import { Leases } from "./pmmc-leases.ts";

const ASKS = { kind: "timeout", name: "lease" } as const;

/** A leader whose clock runs at half speed and has a lease until it shows 1500. */
function holder(): PmmcState {
  const members = [0, 1, 2];
  const settings = { self: 0, members, quorums: majority(members), seed: 1, roles: [] };
  const state = pmmc.create({ ...settings, tuning: {} });
  state.leader.active = { from: 0, upTo: 0 };
  state.leader.lease.until = 1_500;
  return state;
}

function watched() {
  let now = 0;
  const leases = new Leases(() => now);
  const state = holder();
  const asks = (round: number, atMs: number): void => {
    now = atMs;
    state.leader.lease.round = round;
    state.leader.lease.sent.set(round, 1_000 + atMs / 2);
    leases.stepped(0, state, ASKS);
  };
  const elected = (atMs: number, node: number): string | null => {
    now = atMs;
    return leases.elected(node);
  };
  return { leases, state, asks, elected };
}

test("nobody else leads as long as the lease lasts by its holder's clock", () => {
  const { asks, elected } = watched();
  asks(1, 100);
  expect(elected(110, 1)).toBeNull();
  asks(2, 200);
  expect(elected(990, 1)).toBe("node 1 leads while node 0 has a lease");
  expect(elected(990, 0)).toBeNull();
  expect(elected(1_010, 1)).toBeNull();
});

test("who fell or was preempted has no lease any more", () => {
  const { leases, state, asks, elected } = watched();
  asks(1, 100);
  asks(2, 200);
  state.leader.active = null;
  expect(elected(300, 1)).toBeNull();
  state.leader.active = { from: 0, upTo: 0 };
  expect(elected(300, 1)).not.toBeNull();
  leases.fell(0);
  expect(elected(300, 1)).toBeNull();
});
