import { describe, expect, test } from "vitest";
import type { Ballot } from "../../ballot.ts";
import {
  type AcceptorState,
  createAcceptor,
  damageAcceptance,
  onAccept,
  onPrepare,
  recoverAcceptor,
} from "./acceptor.ts";
import { b, bytes } from "./testing/values.ts";

const X = bytes("x");
const Y = bytes("y");

/** What an acceptor holds after these acceptances. */
function accepted(...proposals: readonly (readonly [Ballot, Uint8Array])[]): AcceptorState {
  const acceptor = createAcceptor();
  for (const [ballot, value] of proposals) onAccept(acceptor, { ballot, value });
  return acceptor;
}

describe("phase 1b", () => {
  test("a blank acceptor promises any ballot, durably, and has nothing to report", () => {
    const acceptor = createAcceptor();
    expect(onPrepare(acceptor, b(1, 0))).toEqual({
      record: { kind: "promised", ballot: b(1, 0) },
      reply: { kind: "promise", ballot: b(1, 0), accepted: null },
    });
    expect(acceptor.promised).toEqual(b(1, 0));
  });

  test("the same ballot again gets the same promise, without another record", () => {
    const acceptor = createAcceptor();
    const { reply } = onPrepare(acceptor, b(2, 1));
    expect(onPrepare(acceptor, b(2, 1))).toEqual({ record: null, reply });
  });

  test("a lower ballot is refused: by round first, then by proposer", () => {
    const acceptor = createAcceptor();
    onPrepare(acceptor, b(2, 1));
    for (const ballot of [b(1, 2), b(2, 0)])
      expect(onPrepare(acceptor, ballot)).toEqual({
        record: null,
        reply: { kind: "nack", refused: ballot, promised: b(2, 1) },
      });
    expect(acceptor.promised).toEqual(b(2, 1));
    expect(onPrepare(acceptor, b(2, 2)).reply?.kind).toBe("promise");
  });

  test("a promise reports the acceptance in the highest ballot", () => {
    const acceptor = accepted([b(1, 0), X], [b(2, 1), Y]);
    const { reply } = onPrepare(acceptor, b(3, 0));
    expect(reply).toEqual({
      kind: "promise",
      ballot: b(3, 0),
      accepted: { ballot: b(2, 1), value: Y },
    });
  });
});

describe("phase 2b", () => {
  test("accepts in the ballot that it promised, durably", () => {
    const acceptor = createAcceptor();
    onPrepare(acceptor, b(1, 0));
    expect(onAccept(acceptor, { ballot: b(1, 0), value: X })).toEqual({
      record: { kind: "accepted", ballot: b(1, 0), value: X },
      reply: { kind: "accepted", ballot: b(1, 0) },
    });
  });

  test("accepts in a ballot of which it has not heard, and thereby promises it", () => {
    const acceptor = accepted([b(2, 0), X]);
    expect(onPrepare(acceptor, b(1, 1)).reply?.kind).toBe("nack");
    expect(onAccept(acceptor, { ballot: b(1, 1), value: Y }).reply?.kind).toBe("nack");
    expect(acceptor.accepted).toEqual({ ballot: b(2, 0), value: X });
  });

  test("refuses what is below its promise", () => {
    const acceptor = createAcceptor();
    onPrepare(acceptor, b(2, 1));
    expect(onAccept(acceptor, { ballot: b(2, 0), value: X })).toEqual({
      record: null,
      reply: { kind: "nack", refused: b(2, 0), promised: b(2, 1) },
    });
    expect(acceptor.accepted).toBeNull();
  });

  test("an accept that comes twice is answered twice and written once", () => {
    const acceptor = createAcceptor();
    const first = onAccept(acceptor, { ballot: b(1, 0), value: X });
    const second = onAccept(acceptor, { ballot: b(1, 0), value: X });
    expect(second).toEqual({ record: null, reply: first.reply });
  });

  test("the empty value is a value like any other", () => {
    const acceptor = accepted([b(1, 0), bytes("")]);
    expect(onPrepare(acceptor, b(2, 1)).reply).toMatchObject({
      accepted: { ballot: b(1, 0), value: bytes("") },
    });
  });
});

describe("after a crash", () => {
  test("records give back what was promised and accepted, in any order of ballots", () => {
    const before = createAcceptor();
    const after = createAcceptor();
    const steps = [
      onPrepare(before, b(1, 0)),
      onAccept(before, { ballot: b(1, 0), value: X }),
      onPrepare(before, b(4, 2)),
      onAccept(before, { ballot: b(5, 1), value: Y }),
      onPrepare(before, b(9, 0)),
    ];
    for (const { record } of steps) if (record !== null) recoverAcceptor(after, record);
    expect(after).toEqual(before);
  });

  test("records of the other roles say nothing of it", () => {
    const acceptor = createAcceptor();
    recoverAcceptor(acceptor, { kind: "began", ballot: b(3, 0) });
    recoverAcceptor(acceptor, { kind: "chosen", value: X });
    expect(acceptor).toEqual(createAcceptor());
  });
});

describe("a damaged acceptance", () => {
  test("keeps it from promising: it would say that it has accepted nothing", () => {
    const acceptor = createAcceptor();
    damageAcceptance(acceptor, b(2, 1));
    expect(onPrepare(acceptor, b(3, 0))).toEqual({ record: null, reply: null });
    expect(onPrepare(acceptor, b(1, 0)).reply?.kind).toBe("nack");
    expect(acceptor.promised).toEqual(b(2, 1));
  });

  test("hides the acceptances before it, not those in its own ballot or later", () => {
    const acceptor = accepted([b(1, 0), X]);
    damageAcceptance(acceptor, b(2, 1));
    expect(acceptor).toMatchObject({ accepted: null, damaged: true });
    const later = accepted([b(3, 0), X]);
    damageAcceptance(later, b(2, 1));
    damageAcceptance(later, b(3, 0));
    expect(later).toEqual(accepted([b(3, 0), X]));
  });

  test("is made good by the next acceptance, in no lower ballot", () => {
    const acceptor = createAcceptor();
    damageAcceptance(acceptor, b(2, 1));
    expect(onAccept(acceptor, { ballot: b(2, 0), value: X }).reply?.kind).toBe("nack");
    expect(acceptor.damaged).toBe(true);
    onAccept(acceptor, { ballot: b(3, 0), value: Y });
    expect(acceptor.damaged).toBe(false);
    expect(onPrepare(acceptor, b(4, 0)).reply).toMatchObject({
      accepted: { ballot: b(3, 0), value: Y },
    });
  });

  test("is remembered by a record of its own", () => {
    const acceptor = createAcceptor();
    recoverAcceptor(acceptor, { kind: "damaged", ballot: b(2, 1) });
    expect(acceptor).toEqual({ promised: b(2, 1), accepted: null, damaged: true });
  });
});
