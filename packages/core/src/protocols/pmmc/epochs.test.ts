import { describe, expect, test } from "vitest";
import { decodeReconfiguration, encodeReconfiguration, epochOf } from "./epochs.ts";
import { formatEpoch } from "./format.ts";
import type { Epoch } from "./messages.ts";
import { ballot, batch, configure, p1b, propose, pvalue } from "./testing/make.ts";
import { createSolo, type Solo } from "./testing/solo.ts";

/** Replica 0, leaders 1 and 2, acceptors 3 and 4; WINDOW is 3. */
function replica(): Solo {
  const roles = [["replica"], ["leader"], ["leader"], ["acceptor"], ["acceptor"]];
  return createSolo({ size: 5, roles, tuning: { window: 3 } });
}

function decide(solo: Solo, slot: number, ...commands: Parameters<typeof batch>[0]): string[] {
  const value = batch(commands);
  return solo.message(1, { kind: "decision", slot, ballot: ballot("1.1"), value });
}

const epochs = (solo: Solo): string[] => solo.state.epochs.map(formatEpoch);

test("a reconfiguration governs from WINDOW slots later on", () => {
  const solo = replica();
  decide(solo, 1, configure(1, [2], [4]));
  expect(epochs(solo)).toEqual(["0@1:1,2/3,4", "1@4:2/4"]);
  expect([1, 3, 4, 9].map((slot) => epochOf(solo.state, slot)?.number)).toEqual([0, 0, 1, 1]);
  const lines = ["a#1", "a#2", "a#3"].flatMap((name) => solo.propose(name));
  expect(lines.map((line) => line.split(" passedOn")[0])).toEqual([
    "sendNow 1,2: propose slot=2 value=a#1",
    "sendNow 1,2: propose slot=3 value=a#2",
    "sendNow 2: propose slot=4 value=a#3",
  ]);
});

test("two within one WINDOW: each takes over at its own slot", () => {
  const solo = replica();
  decide(solo, 1, configure(1, [1], [3]));
  decide(solo, 2, configure(2, [2], [4]));
  expect(epochs(solo)).toEqual(["0@1:1,2/3,4", "1@4:1/3", "2@5:2/4"]);
});

describe("nothing happens by one", () => {
  test.each([
    [
      "that is decided a second time",
      [configure(1, [1], [3]), configure(2, [2], [4]), configure(1, [1], [3])],
      2,
    ],
    ["that skips an epoch", [configure(2, [1], [3])], 0],
    ["that names somebody who is no member", [configure(1, [1], [9])], 0],
    ["that cannot be read", [{ ...configure(1, [1], [3]), payload: new Uint8Array(3) }], 0],
  ] as const)("%s", (_, commands, last) => {
    const solo = replica();
    for (const [index, command] of commands.entries()) decide(solo, index + 1, command);
    expect(solo.state.epochs.at(-1)?.number).toBe(last);
  });
});

test("its payload round-trips, and is refused when it leaves nobody", () => {
  const wanted = { number: 3, leaders: [1, 2], acceptors: [4] };
  expect(decodeReconfiguration(encodeReconfiguration(wanted))).toEqual(wanted);
  for (const bad of [
    { ...wanted, leaders: [] },
    { ...wanted, acceptors: [4, 4] },
  ])
    expect(decodeReconfiguration(encodeReconfiguration(bad))).toBeNull();
});

describe("a leader of the next epoch", () => {
  const next: Epoch = { number: 1, first: 5, leaders: [0], acceptors: [2, 3, 4] };
  const roles = [["leader"], ["acceptor"], ["replica"], ["replica"], ["replica"]];
  const told = (slot: number, text: string) => ({
    ...(propose(slot, text) as Extract<ReturnType<typeof propose>, { kind: "propose" }>),
    epochs: [next],
  });

  test("asks its acceptors in the ballot that it is in, before it commands there", () => {
    const leader = createSolo({ size: 5, roles });
    leader.lead();
    expect(leader.message(2, told(5, "a#1"))).toEqual([
      "send 2: p1a ballot=1.0 first=5",
      "send 3: p1a ballot=1.0 first=5",
      "send 4: p1a ballot=1.0 first=5",
    ]);
    expect(leader.message(2, propose(4, "b#1"))).toEqual([
      "sendNow 1: p2a ballot=1.0 slot=4 epoch=0 value=b#1",
    ]);
    leader.message(3, p1b("1.0", [], { first: 5 }));
    expect(leader.message(4, p1b("1.0", [], { first: 5 }))).toContain(
      "sendNow 2,3,4: p2a ballot=1.0 slot=5 epoch=1 value=a#1",
    );
  });

  test("does not touch a slot of an epoch that it has not heard of", () => {
    const leader = createSolo({ size: 5, roles });
    leader.timeout("scout");
    const lines = leader.message(
      1,
      p1b("1.0", [pvalue("0.1", 7, "x#1", 1), pvalue("0.1", 3, "y#1")]),
    );
    expect(lines).toEqual(["sendNow 1: p2a ballot=1.0 slot=3 epoch=0 value=y#1"]);
  });

  test("does not wait for a leader that leads no more", () => {
    const leader = createSolo({ size: 5, roles });
    leader.message(4, { kind: "ping", ballot: ballot("9.4") });
    leader.message(2, told(5, "a#1"));
    leader.timers.set("scout", 1);
    leader.message(4, { kind: "pong", ballot: ballot("9.4") });
    expect(leader.timers.get("scout")).toBe(1);
  });
});
