import type { Command, NodeId } from "@synod/core";
import { decodeCommands } from "@synod/core";
import { KeyValueMachine, keyValue } from "@synod/machines";
import { Execution } from "@synod/runtime";
import { expect, test } from "vitest";
import { createStage } from "./testing/stage.ts";

const FIVE: readonly NodeId[] = [0, 1, 2, 3, 4];

test("RS6: a slot of a batch that is chosen already does not stop the answer on the rest", () => {
  const stage = createStage({ size: 5 });
  stage.elect(0, FIVE);
  stage.converse(FIVE);
  for (const request of ["a#1", "b#1", "c#1"]) stage.propose(0, request);
  for (const slot of [2, 3, 4]) stage.deliver({ from: 0, to: 3, kinds: ["accept"], slot });
  stage.deliver({ from: 0, to: 1, kinds: ["accept"], slot: 3 });
  for (const from of [1, 3]) stage.deliver({ from, to: 0, kinds: ["accepted"], slot: 3 });
  // The middle one of three is chosen, and node 1 is told.
  const value = stage.node(0).state.log.get(3)?.value ?? new Uint8Array(0);
  const learn = { kind: "learn", first: 3, values: [value], chosenUpTo: 1 } as const;
  stage.cluster.input(1, { kind: "message", from: 0, message: learn });
  stage.lose({});
  stage.crash(0);

  // The next leader hears of all three slots from node 3, to which none of them is chosen.
  stage.elect(2, [2, 3, 4]);
  const batch = stage.deliver({ from: 2, to: 1, kinds: ["accept"] });
  expect(batch.map((l) => l.message)).toMatchObject([{ first: 2, values: { length: 3 } }]);
  const answers = stage.deliver({ from: 1, to: 2 }).map((letter) => letter.message);
  const apart = [2, 4].map((slot) => ({ first: slot, last: slot }));
  expect(answers).toMatchObject([
    { kind: "learn", first: 3 },
    { kind: "accepted", runs: apart },
  ]);

  // Slot 3 is settled; the answer about all three still counts for 2 and 4, the third vote of five.
  expect(stage.node(2).state.chosenUpTo).toBe(1);
  stage.deliver({ from: 2, to: 3, kinds: ["accept"] });
  const all = stage.deliver({ from: 3, to: 2, kinds: ["accepted"] });
  expect(all.map((l) => l.message)).toMatchObject([{ runs: [{ first: 2, last: 4 }] }]);
  expect(stage.node(2).executed).toEqual(["a#1", "b#1", "c#1"]);
});

test("RS10: a proposal that arrives twice takes two slots and is executed once", () => {
  const stage = createStage({ size: 3 });
  stage.elect(0, [0, 1, 2]);
  stage.converse([0, 1, 2]);
  const command: Command = {
    ...stage.cluster.command("a", 1),
    payload: keyValue.put("k", Uint8Array.of(1)),
  };
  stage.cluster.input(1, { kind: "propose", commands: [command] });
  const forwards = stage.deliver({ from: 1, to: 0, kinds: ["forward"] });
  for (const letter of forwards) stage.repeat(letter);
  stage.deliver({ from: 1, to: 0, kinds: ["forward"] });
  stage.propose(0, "b#1");
  stage.converse([0, 1, 2]);
  expect([...stage.cluster.sequence]).toEqual([
    [1, ""],
    [2, "a#1"],
    [3, "a#1"],
    [4, "b#1"],
  ]);

  // The sessions of the host see to it that nothing but the first of them is executed.
  const limits = { sessionsMax: 5, sessionResultsMax: 5, expiredMax: 5 };
  const machine = new KeyValueMachine();
  let applied = 0;
  const apply = machine.apply.bind(machine);
  machine.apply = (payload: Uint8Array) => {
    applied += 1;
    return apply(payload);
  };
  const execution = new Execution(machine, limits);
  const results = [2, 3].map((index) => {
    const value = stage.node(2).state.log.get(index)?.value ?? new Uint8Array(0);
    const [decoded] = decodeCommands(value) ?? [];
    return execution.execute({ log: 0, index }, decoded as Command);
  });
  expect(applied).toBe(1);
  expect(results[0]).toMatchObject({ kind: "done", position: { index: 2 }, repeated: false });
  expect(results[1]).toEqual({ ...results[0], repeated: true });
});
