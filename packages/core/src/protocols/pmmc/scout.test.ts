import { describe, expect, test } from "vitest";
import { mergeHighest } from "./scout.ts";
import type { Accepted } from "./state.ts";
import { p1b, pvalue } from "./testing/make.ts";
import { createSolo, type Solo } from "./testing/solo.ts";

/** Leader 0 of acceptors 2, 3, 4, none of them on its own node. */
function scouting(tuning: Readonly<Record<string, number>> = {}): Solo {
  const roles = [["leader"], ["replica"], ["acceptor"], ["acceptor"], ["acceptor"]];
  const solo = createSolo({ size: 5, roles, tuning });
  solo.timeout("scout");
  return solo;
}

test("nobody hears of a ballot before it is durable", () => {
  const roles = [["leader"], ["replica"], ["acceptor"], ["acceptor"], ["acceptor"]];
  expect(createSolo({ size: 5, roles }).timeout("scout")).toEqual([
    "persist ballot 1.0",
    "send 2: p1a ballot=1.0 first=1",
    "send 3: p1a ballot=1.0 first=1",
    "send 4: p1a ballot=1.0 first=1",
  ]);
});

test("a majority of different acceptors adopts; the same one twice does not", () => {
  const solo = scouting();
  solo.message(2, p1b("1.0"));
  solo.message(2, p1b("1.0"));
  expect(solo.state.leader.active).toBeNull();
  // No acceptor of this configuration.
  solo.message(1, p1b("1.0"));
  expect(solo.state.leader.active).toBeNull();
  solo.message(4, p1b("1.0"));
  expect(solo.state.leader.active).toEqual({ from: 0, upTo: 0 });
});

test("an acceptor counts when its last part is in, and parts are asked for in order", () => {
  const solo = scouting();
  solo.message(3, p1b("1.0"));
  const first = p1b("1.0", [pvalue("0.1", 1, "a#1")], { last: 1 });
  const second = p1b("1.0", [pvalue("0.1", 2, "b#1")], { first: 2 });
  expect(solo.message(2, second)).toEqual([]);
  expect(solo.message(2, first)).toEqual(["send 2: p1a ballot=1.0 first=2"]);
  expect(solo.state.leader.active).toBeNull();
  expect(solo.message(2, second)).toEqual([
    "sendNow 2,3,4: p2a ballot=1.0 slot=1 epoch=0 value=a#1",
    "sendNow 2,3,4: p2a ballot=1.0 slot=2 epoch=0 value=b#1",
  ]);
});

test("whoever is silent is asked again, from where it was", () => {
  const solo = scouting();
  solo.message(3, p1b("1.0"));
  solo.message(2, p1b("1.0", [], { last: 7 }));
  expect(solo.timeout("resend")).toEqual([]);
  expect(solo.timeout("resend")).toEqual([
    "send 2: p1a ballot=1.0 first=8",
    "send 4: p1a ballot=1.0 first=1",
  ]);
});

test("an answer from a higher ballot ends it; one from a lower ballot means nothing", () => {
  const solo = scouting();
  solo.message(2, p1b("0.7"));
  expect(solo.state.leader.scout).not.toBeNull();
  solo.message(2, p1b("3.1"));
  expect(solo.state.leader.scout).toBeNull();
  expect(solo.observed).toEqual(["campaign", "preempted"]);
  // Late answers to the ballot that is over.
  solo.message(3, p1b("1.0"));
  solo.message(4, p1b("1.0"));
  expect(solo.state.leader.active).toBeNull();
});

describe("pmax", () => {
  test.each([
    [["0.1", "5.1", "3.1"], "5.1"],
    [["5.1", "3.1", "0.1"], "5.1"],
    [["3.1", "0.1", "5.1"], "5.1"],
    [["2.1", "2.2", "2.0"], "2.2"],
  ])("of ballots %j is %s: each is compared with the highest so far", (ballots, highest) => {
    const pvalues = new Map<number, Accepted>();
    for (const of of ballots) mergeHighest(pvalues, pvalue(of, 1, `v#${of.replace(".", "")}`));
    const { round, proposer } = pvalues.get(1)?.ballot ?? { round: 0, proposer: 0 };
    expect(`${round}.${proposer}`).toBe(highest);
  });
});

test("slots that an acceptor has collected are never proposed in", () => {
  const solo = scouting();
  solo.message(1, {
    kind: "propose",
    slot: 2,
    value: new Uint8Array(),
    passedOn: true,
    epochs: [],
  });
  solo.message(2, p1b("1.0", [pvalue("0.1", 4, "d#1")], { gcSlot: 3 }));
  expect(solo.message(3, p1b("1.0"))).toEqual([
    "sendNow 2,3,4: p2a ballot=1.0 slot=4 epoch=0 value=d#1",
  ]);
});
