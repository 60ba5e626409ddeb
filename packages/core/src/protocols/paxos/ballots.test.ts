import { describe, expect, test } from "vitest";
import { commandOf } from "./testing/model.ts";
import { brief, solo } from "./testing/solo.ts";
import { b, bytes } from "./testing/values.ts";

/** What one member does with the roles: what it writes, what it says, and in which order. */
const X = bytes("");

describe("an acceptor", () => {
  test("makes its promise durable before it answers", () => {
    const effects = solo().hear(1, { kind: "prepare", ballot: b(1, 1) });
    expect(brief(effects)).toEqual(["persist promised", "send promise to 1"]);
  });

  test("makes its acceptance durable before it answers", () => {
    const effects = solo().hear(1, { kind: "accept", ballot: b(1, 1), value: X });
    expect(brief(effects)).toEqual(["persist accepted", "send accepted to 1"]);
  });

  test("answers again without writing again, behind what it has written", () => {
    const { hear } = solo();
    hear(1, { kind: "prepare", ballot: b(1, 1) });
    expect(brief(hear(1, { kind: "prepare", ballot: b(1, 1) }))).toEqual(["send promise to 1"]);
    hear(1, { kind: "accept", ballot: b(1, 1), value: X });
    const again = hear(1, { kind: "accept", ballot: b(1, 1), value: X });
    expect(brief(again)).toEqual(["send accepted to 1"]);
  });

  test("hears prepares and accepts from the proposer of their ballot only", () => {
    const { hear } = solo();
    expect(hear(2, { kind: "prepare", ballot: b(1, 1) })).toEqual([]);
    expect(hear(2, { kind: "accept", ballot: b(1, 1), value: X })).toEqual([]);
    expect(hear(9, { kind: "prepare", ballot: b(1, 9) })).toEqual([]);
  });

  test("without a vote is silent", () => {
    const { hear } = solo({ voter: false });
    expect(hear(1, { kind: "prepare", ballot: b(1, 1) })).toEqual([]);
    expect(hear(1, { kind: "accept", ballot: b(1, 1), value: X })).toEqual([]);
    expect(hear(1, { kind: "ask", incarnation: 1, number: 1 })).toEqual([]);
  });

  test("that knows the outcome says so, whatever it is asked", () => {
    const { hear } = solo({ records: [{ kind: "chosen", value: X }] });
    const told = ["sendNow chosen to 1"];
    expect(brief(hear(1, { kind: "prepare", ballot: b(9, 1) }))).toEqual(told);
    expect(brief(hear(1, { kind: "accept", ballot: b(9, 1), value: bytes("y") }))).toEqual(told);
    expect(brief(hear(1, { kind: "ask", incarnation: 1, number: 1 }))).toEqual(told);
    expect(brief(hear(1, { kind: "forward", value: X }))).toEqual(told);
  });

  test("tells what it has accepted only when that is durable", () => {
    const { hear } = solo();
    hear(1, { kind: "accept", ballot: b(1, 1), value: X });
    const told = hear(2, { kind: "ask", incarnation: 3, number: 4 });
    expect(told).toEqual([
      {
        kind: "send",
        to: [2],
        message: {
          kind: "told",
          incarnation: 3,
          number: 4,
          accepted: { ballot: b(1, 1), value: X },
        },
      },
    ]);
  });
});

describe("a proposer", () => {
  test("with an acceptor on its disk needs one record for both", () => {
    const effects = solo().step({ kind: "propose", commands: [commandOf("a#1")] });
    expect(brief(effects)).toEqual([
      "persist promised",
      "send promise to 0",
      "send prepare to 1,2",
      "timer resend",
    ]);
  });

  test("without one records the ballot itself", () => {
    const roles = [["proposer"], ["acceptor"], ["acceptor", "learner"]];
    const effects = solo({ roles }).step({ kind: "propose", commands: [commandOf("a#1")] });
    expect(brief(effects)).toEqual(["persist began", "send prepare to 1,2", "timer resend"]);
  });

  test("sends accepts at once, and its own acceptance goes to its disk", () => {
    const { step, hear } = solo();
    step({ kind: "propose", commands: [commandOf("a#1")] });
    hear(0, { kind: "promise", ballot: b(1, 0), accepted: null });
    const effects = hear(2, { kind: "promise", ballot: b(1, 0), accepted: null });
    expect(brief(effects)).toEqual([
      "sendNow accept to 1,2",
      "persist accepted",
      "send accepted to 0",
      "timer resend",
    ]);
  });

  test("counts its own vote only when its disk has it", () => {
    const { state, step, hear } = solo();
    step({ kind: "propose", commands: [commandOf("a#1")] });
    const promise = { kind: "promise", ballot: b(1, 0), accepted: null } as const;
    expect(hear(1, promise)).toEqual([]);
    expect(hear(2, promise)).not.toEqual([]);
    hear(1, { kind: "accepted", ballot: b(1, 0) });
    expect(state.learner.chosen).toBeNull();
    const effects = hear(0, { kind: "accepted", ballot: b(1, 0) });
    expect(brief(effects)).toEqual([
      "note chosen",
      "deliver",
      "timer retry off",
      "timer resend off",
      "timer ask off",
      "sendNow chosen to 1,2",
    ]);
  });

  test("waits after a refusal, then tries above what refused it", () => {
    const { state, step, hear } = solo();
    step({ kind: "propose", commands: [commandOf("a#1")] });
    const refused = hear(1, { kind: "nack", refused: b(1, 0), promised: b(4, 1) });
    expect(brief(refused)).toEqual(["timer resend off", "timer retry"]);
    // More to propose does not make it less patient.
    expect(brief(step({ kind: "propose", commands: [commandOf("a#2")] }))).toEqual([]);
    step({ kind: "timeout", name: "retry" });
    expect(state.proposer.attempt?.ballot).toEqual(b(5, 0));
  });

  test("says again what is unanswered, to a new connection at once", () => {
    const { step, hear } = solo();
    step({ kind: "propose", commands: [commandOf("a#1")] });
    expect(brief(step({ kind: "linkUp", peer: 1 }))).toEqual(["send prepare to 1"]);
    hear(1, { kind: "promise", ballot: b(1, 0), accepted: null });
    expect(brief(step({ kind: "timeout", name: "resend" }))).toEqual([
      "send prepare to 2",
      "timer resend",
    ]);
  });

  test("takes no promise or vote from members that are no acceptors", () => {
    const roles = [["proposer", "learner"], ["learner"], ["acceptor"]];
    const { state, step, hear } = solo({ roles });
    step({ kind: "propose", commands: [commandOf("a#1")] });
    for (const from of [0, 1]) hear(from, { kind: "promise", ballot: b(1, 0), accepted: null });
    expect(state.proposer.attempt?.phase).toBe("prepare");
  });

  test("refuses barriers for good: there is no log to cut short", () => {
    const barrier = { ...commandOf("~0.1#1"), kind: "barrier" as const };
    expect(brief(solo().step({ kind: "propose", commands: [barrier] }))).toEqual([
      "release closed",
    ]);
  });
});

describe("the journal", () => {
  test("is written anew when it has grown, by what still counts", () => {
    const { hear } = solo({ tuning: { recordsMax: 4 } });
    hear(1, { kind: "accept", ballot: b(1, 1), value: X });
    hear(1, { kind: "prepare", ballot: b(2, 1) });
    hear(1, { kind: "prepare", ballot: b(3, 1) });
    expect(brief(hear(1, { kind: "prepare", ballot: b(4, 1) }))).toEqual([
      "checkpoint began accepted promised",
      "send promise to 1",
    ]);
  });
});
