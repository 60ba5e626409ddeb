import { describe, expect, test } from "vitest";
import type { Configuration, Member } from "./configuration.ts";
import { acceptorsOf, configurationProblem, quorumsOf } from "./configuration.ts";

const CLUSTER = "0123456789abcdef0123456789abcdef";

function member(id: number, roles: readonly string[] = []): Member {
  return { id, address: `127.0.0.1:${9080 + id}`, zone: "", roles };
}

function configuration(members: readonly Member[], change: Partial<Configuration> = {}) {
  return { number: 1, cluster: CLUSTER, members, quorums: null, ...change };
}

const three = [member(0), member(1), member(2)];

describe("quorums", () => {
  test("are majorities unless sizes are given", () => {
    const quorums = quorumsOf(configuration(three));
    expect([quorums.name, quorums.members]).toEqual(["majority", [0, 1, 2]]);
    const flexible = quorumsOf(configuration(three, { quorums: { phase1: 3, phase2: 1 } }));
    expect([flexible.isPhase1(new Set([0, 1])), flexible.isPhase2(new Set([1]))]).toEqual([
      false,
      true,
    ]);
  });

  test("consist of acceptors only: those without a vote enlarge no majority", () => {
    const members = [member(0, ["learner"]), member(1, ["leader", "acceptor"]), member(2)];
    const mixed = configuration([...members, member(3, ["acceptor"]), member(4, ["replica"])]);
    expect(configurationProblem(mixed)).toBeNull();
    expect(acceptorsOf(mixed)).toEqual([1, 2, 3]);
    const quorums = quorumsOf(mixed);
    expect(quorums.isPhase2(new Set([1, 3]))).toBe(true);
    expect(quorums.isPhase2(new Set([0, 3, 4]))).toBe(false);
  });
});

describe("a usable configuration", () => {
  test.each([
    ["one member", configuration([member(5)])],
    ["seven members", configuration([0, 1, 2, 3, 4, 5, 6].map((id) => member(id)))],
    ["gaps and the largest id", configuration([member(0), member(65_535)])],
    ["flexible sizes that meet", configuration(three, { quorums: { phase1: 2, phase2: 2 } })],
  ])("%s", (_, usable) => {
    expect(configurationProblem(usable)).toBeNull();
  });
});

describe("refuses, in words", () => {
  const learners = three.map(({ id }) => member(id, ["learner"]));
  test.each([
    ["a cluster id of another form", configuration(three, { cluster: "ABC" }), /32 hex digits/],
    ["an upper-case cluster id", configuration(three, { cluster: CLUSTER.toUpperCase() }), /hex/],
    ["nobody", configuration([]), /at least one member/],
    [
      "eight voters",
      configuration([0, 1, 2, 3, 4, 5, 6, 7].map((id) => member(id))),
      /most 7 members that vote/,
    ],
    [
      "32 members",
      configuration(Array.from({ length: 32 }, (_, id) => member(id))),
      /most 31 members/,
    ],
    ["a negative id", configuration([member(-1)]), /member id -1/],
    ["a broken id", configuration([member(1.5)]), /member id 1\.5/],
    ["an id beyond 16 bits", configuration([member(65_536)]), /member id 65536/],
    ["ids twice", configuration([member(1), member(1)]), /unique and in ascending order/],
    ["ids out of order", configuration([member(2), member(1)]), /ascending order/],
    ["nobody who votes", configuration(learners), /acceptor/],
    ["quorums that miss", configuration(three, { quorums: { phase1: 1, phase2: 2 } }), /exceed 3/],
    [
      "quorums of more than vote",
      configuration([...three.slice(0, 2), member(2, ["learner"])], {
        quorums: { phase1: 3, phase2: 3 },
      }),
      /from 1 to 2/,
    ],
  ])("%s", (_, broken, words) => {
    expect(configurationProblem(broken)).toMatch(words);
  });
});
