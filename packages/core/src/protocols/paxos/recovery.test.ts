import { describe, expect, test } from "vitest";
import type { About } from "../../effect.ts";
import { journalRecord, type PaxosRecord } from "./records.ts";
import { commandOf } from "./testing/model.ts";
import { brief, solo } from "./testing/solo.ts";
import { b, bytes } from "./testing/values.ts";

/** What records and their damage come to at the next start. */
const X = bytes("");

const PROMISED: PaxosRecord = { kind: "promised", ballot: b(3, 1) };
const ACCEPTED: PaxosRecord = { kind: "accepted", ballot: b(2, 2), value: X };

function nameOf(record: PaxosRecord): About {
  return journalRecord(record).about;
}

describe("intact records", () => {
  test("give back promise, acceptance and used ballots", () => {
    const { state, started } = solo({
      records: [ACCEPTED, PROMISED, { kind: "began", ballot: b(5, 0) }],
    });
    expect(state.acceptor).toEqual({
      promised: b(3, 1),
      accepted: { ballot: b(2, 2), value: X },
      damaged: false,
    });
    expect(state.proposer.highest).toEqual(b(5, 0));
    expect(state.voter).toBe(true);
    expect(brief(started)).toEqual(["timer ask"]);
  });

  test("give back the outcome, which is delivered again and not asked for", () => {
    const { started } = solo({ records: [ACCEPTED, { kind: "chosen", value: X }] });
    expect(brief(started)).toEqual(["deliver"]);
  });

  test("a promise of its own ballot says that it is used", () => {
    const { state, step } = solo({ self: 1, records: [PROMISED] });
    step({ kind: "propose", commands: [commandOf("a#1")] });
    expect(state.proposer.attempt?.ballot).toEqual(b(4, 1));
  });

  test("a snapshot holds the outcome: it is known and not delivered again", () => {
    const { state, started } = solo({ delivered: { log: 0, index: 1 }, image: X });
    expect(state.learner.chosen).toEqual(X);
    expect(brief(started)).toEqual([]);
  });
});

describe("damage that has a name", () => {
  test("a promise still binds, and one checkpoint says what is left", () => {
    const { state, started } = solo({ records: [ACCEPTED], missing: [nameOf(PROMISED)] });
    expect(state.acceptor.promised).toEqual(b(3, 1));
    expect(state.acceptor.accepted?.ballot).toEqual(b(2, 2));
    expect(state.voter).toBe(true);
    expect(brief(started)).toEqual(["checkpoint began accepted promised", "timer ask"]);
  });

  test("a used ballot stays used", () => {
    const { state, step } = solo({ missing: [nameOf({ kind: "began", ballot: b(7, 0) })] });
    step({ kind: "propose", commands: [commandOf("a#1")] });
    expect(state.proposer.attempt?.ballot).toEqual(b(8, 0));
  });

  test("an acceptance leaves an acceptor that does not say what it has accepted", () => {
    const { state, hear, started } = solo({ records: [PROMISED], missing: [nameOf(ACCEPTED)] });
    expect(brief(started)).toEqual(["checkpoint began damaged promised", "timer ask"]);
    expect(state.voter).toBe(true);
    expect(hear(1, { kind: "prepare", ballot: b(9, 1) })).toEqual([]);
    expect(hear(1, { kind: "ask", incarnation: 1, number: 1 })).toEqual([]);
    expect(brief(hear(1, { kind: "accept", ballot: b(9, 1), value: X }))).toEqual([
      "persist accepted",
      "send accepted to 1",
    ]);
    expect(brief(hear(1, { kind: "prepare", ballot: b(10, 1) }))).toEqual([
      "persist promised",
      "send promise to 1",
    ]);
  });

  test("a proposer whose own acceptance is damaged records its ballots itself", () => {
    const { step } = solo({ missing: [nameOf(ACCEPTED)] });
    const effects = step({ kind: "propose", commands: [commandOf("a#1")] });
    expect(brief(effects)[0]).toBe("persist began");
  });

  test("the outcome costs no vote: others know it", () => {
    const chosen = nameOf({ kind: "chosen", value: X });
    const { state } = solo({ records: [ACCEPTED], missing: [chosen] });
    expect(state.voter).toBe(true);
    expect(state.acceptor.damaged).toBe(false);
  });
});

describe("damage without a name", () => {
  const impaired = { kind: "impaired" } as const;
  const cases = {
    "something is gone": { missing: "unnamed" },
    "a record cannot be read": { garbage: [Uint8Array.of(9, 9)] },
    "the mark of earlier damage is damaged": { missing: [nameOf(impaired)] },
  } as const;

  test.each(Object.entries(cases))("%s: never a vote on this disk again", (_name, damage) => {
    const { state, step, hear, started } = solo({ records: [PROMISED], ...damage });
    expect(state.voter).toBe(false);
    expect(brief(started)[0]).toMatch(/^persist impaired$|^checkpoint .*impaired$/);
    step({ kind: "admit" });
    expect(hear(1, { kind: "prepare", ballot: b(9, 1) })).toEqual([]);
    expect(brief(step({ kind: "propose", commands: [commandOf("a#1")] }))).toEqual([
      expect.stringMatching(/^sendNow forward to [12]$/),
      "timer retry",
    ]);
  });

  test("is remembered", () => {
    const { state, started } = solo({ records: [PROMISED, impaired] });
    expect(state.voter).toBe(false);
    expect(brief(started)).toEqual(["timer ask"]);
  });
});

describe("a member that may vote only later", () => {
  test("begins to propose then", () => {
    const { step } = solo({ voter: false });
    expect(brief(step({ kind: "propose", commands: [commandOf("a#1")] }))).toEqual([
      expect.stringMatching(/^sendNow forward to [12]$/),
      "timer retry",
    ]);
    step({ kind: "timeout", name: "retry" });
    step({ kind: "admit" });
    expect(brief(step({ kind: "timeout", name: "retry" }))[0]).toBe("persist promised");
  });
});

describe("a state from elsewhere", () => {
  test("brings the outcome; it is written down and not delivered", () => {
    const { state, step } = solo();
    const position = { log: 0, index: 1 };
    const effects = brief(step({ kind: "installed", position, image: X }));
    expect(effects).toContain("checkpoint began promised chosen");
    expect(effects).not.toContain("deliver");
    expect(state.learner.chosen).toEqual(X);
  });
});
