import { expect, test } from "vitest";
import { p1b, p2b, propose } from "./testing/make.ts";
import { createSolo, type Solo } from "./testing/solo.ts";

/** Leader 0, replicas 0 and 1, acceptors 1 to 3; slot 1 is commanded in ballot 1.0. */
function commanding(): Solo {
  const roles = [["leader", "replica"], ["acceptor", "replica"], ["acceptor"], ["acceptor"]];
  const solo = createSolo({ size: 4, roles });
  solo.lead();
  expect(solo.message(1, propose(1, "a#1"))).toEqual([
    "sendNow 1,2,3: p2a ballot=1.0 slot=1 epoch=0 value=a#1",
  ]);
  return solo;
}

test("a majority decides, and who has accepted is not sent the command again", () => {
  const solo = commanding();
  expect(solo.message(1, p2b("1.0", 1))).toEqual([]);
  expect(solo.message(3, p2b("1.0", 1))).toEqual([
    "sendNow 1: decision slot=1 ballot=1.0 value=null",
    "note learned 1:a#1",
    "deliver 1: a#1",
  ]);
  expect(solo.message(2, p2b("1.0", 1))).toEqual([]);
});

test("one acceptor that answers twice is one", () => {
  const solo = commanding();
  solo.message(1, p2b("1.0", 1));
  expect(solo.message(1, p2b("1.0", 1))).toEqual([]);
  expect(solo.state.leader.commanders.get(1)?.votes.size).toBe(1);
});

test("a vote for another slot, in another ballot, or by nobody counts for nothing", () => {
  const solo = commanding();
  solo.message(1, p2b("1.0", 1));
  for (const [from, answer] of [
    [2, p2b("1.0", 2)],
    [2, p2b("0.9", 1)],
    [0, p2b("1.0", 1)],
  ] as const)
    expect(solo.message(from, answer)).toEqual([]);
});

test("a refusal that an old commander is still owed is no vote for its successor", () => {
  const solo = commanding();
  solo.message(1, p1b("2.3"));
  solo.timeout("scout");
  for (const from of [1, 2]) solo.message(from, p1b("3.0"));
  expect(solo.state.leader.commanders.get(1)?.ballot).toEqual({ round: 3, proposer: 0 });
  solo.message(1, p2b("3.0", 1));
  // Acceptor 2 is in 3.0, but what it says is that it refused the commander of 1.0.
  expect(solo.message(2, p2b("1.0", 1, "3.0"))).toEqual([]);
  expect(solo.message(2, p2b("3.0", 1))[0]).toMatch("decision slot=1");
});

test("an acceptor in a higher ballot ends it", () => {
  const solo = commanding();
  solo.message(1, p2b("1.0", 1));
  solo.message(2, p2b("1.0", 1, "4.9"));
  expect(solo.state.leader.active).toBeNull();
  expect(solo.message(3, p2b("1.0", 1))).toEqual([]);
});

test("whoever has not accepted is asked again", () => {
  const solo = commanding();
  solo.message(2, p2b("1.0", 1));
  solo.timeout("resend");
  expect(solo.timeout("resend")).toEqual(["sendNow 1,3: p2a ballot=1.0 slot=1 epoch=0 value=a#1"]);
});

test("a slot that was collected meanwhile is let go", () => {
  const solo = commanding();
  solo.message(2, p2b("1.0", 1, "1.0", 5));
  expect(solo.state.leader.commanders.size).toBe(0);
  expect(solo.message(3, propose(5, "b#1"))).toEqual([]);
});
