import { crc32, formatBallot, type Network } from "@synod/core";
import { type OmniPaxosMessage, omnipaxos } from "@synod/core/protocols/omnipaxos";
import { expect, test } from "vitest";
import { Lab } from "../testing/lab.ts";
import { Wire } from "./wire.ts";

const LINGER_MS = 5_000;

test("X11: an accept of the right ballot, but of another configuration, is not appended", () => {
  const lab = new Lab({ protocol: omnipaxos, roles: [[], [], []] });
  lab.startAll();
  expect(lab.runUntil(() => lab.nodes.every(({ isUp }) => isUp))).toBe(true);
  lab.run(1_500);
  // Other quorum sizes are a change, and nobody has to fetch anything.
  const change = lab.reconfigure(0, [0, 1, 2], { phase1: 2, phase2: 3 });
  expect(lab.runUntil(() => lab.allDone([change]))).toBe(true);
  lab.run(LINGER_MS + 2_000);
  const statusOf = (id: number) => lab.node(id).host?.status().replica;
  const leader = [0, 1, 2].find((id) => statusOf(id)?.role === "leader") as number;
  const follower = (leader + 1) % 3;
  const write = lab.put(leader, "key", "value");
  expect(lab.runUntil(() => lab.allDone([write]))).toBe(true);
  lab.run(1_000);
  const length = () => statusOf(follower)?.detail["length"];
  const { chosenUpTo = 0, ballot: shown = "" } = statusOf(follower) ?? {};
  const ballot = { round: Number(shown.split(".")[0]), proposer: leader };
  expect([length(), shown]).toEqual([chosenUpTo, formatBallot(ballot)]);
  const next = { first: chosenUpTo + 1, values: [new Uint8Array(0)], chosenUpTo };
  const accept: OmniPaxosMessage = { kind: "accept", ballot, previous: ballot, ...next };
  const network: Network = lab.switchboard.port(leader);
  const wire = new Wire({ network, messages: omnipaxos.messages, checksum: crc32 });
  for (const other of [1, 3]) {
    wire.sendMessage(other, [follower], accept);
    lab.run(10);
    expect(length()).toBe(chosenUpTo);
  }
  // The very same of the configuration in force is appended.
  wire.sendMessage(2, [follower], accept);
  lab.run(10);
  expect(length()).toBe(chosenUpTo + 1);
});
