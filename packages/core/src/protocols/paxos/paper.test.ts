import { describe, expect, test } from "vitest";
import type { NodeId } from "../../ids.ts";
import { majority } from "../../quorum.ts";
import { type AcceptorState, createAcceptor, onAccept, onPrepare } from "./acceptor.ts";
import { createLearner, hearAccepted } from "./learner.ts";
import type { Accept, Proposal } from "./messages.ts";
import { beginBallot, createProposer, onPromise, type ProposerState, see } from "./proposer.ts";
import { b, bytes, textOf } from "./testing/values.ts";

/**
 * Lamport, "Paxos Made Simple" (2001), section by section, with the roles as they stand in the
 * paper: each its own agent, and whoever writes the test is the network.
 */
const IDS = [1, 2, 3] as const;
const QUORUMS = majority(IDS);

type Acceptors = ReadonlyMap<NodeId, AcceptorState>;

function acceptors(): Acceptors {
  return new Map(IDS.map((id) => [id, createAcceptor()]));
}

function proposer(self: NodeId, value: string): ProposerState {
  const state = createProposer(self);
  state.value = bytes(value);
  return state;
}

/** Phase 1 with these acceptors; the accept request that follows from it, if one does. */
function prepare(state: ProposerState, all: Acceptors, reached: readonly NodeId[]): Accept | null {
  const { ballot } = beginBallot(state).message;
  let accept: Accept | null = null;
  for (const id of reached) {
    const { reply } = onPrepare(all.get(id) as AcceptorState, ballot);
    if (reply?.kind === "promise") accept ??= onPromise(state, QUORUMS, id, reply);
  }
  return accept;
}

/** Phase 2 with these acceptors; who has accepted. */
function accept(request: Accept | null, all: Acceptors, reached: readonly NodeId[]): NodeId[] {
  if (request === null) return [];
  return reached.filter(
    (id) => onAccept(all.get(id) as AcceptorState, request).reply?.kind === "accepted",
  );
}

/** What a learner that hears of every acceptance, in any order, takes for chosen. */
function chosenBy(accepted: readonly (readonly [NodeId, Proposal])[]): string | null {
  const learner = createLearner();
  for (const [from, proposal] of accepted) hearAccepted(learner, QUORUMS, from, proposal);
  return textOf(learner.chosen);
}

describe("2.1 the problem", () => {
  test("a value is chosen only if it was proposed", () => {
    const all = acceptors();
    const request = prepare(proposer(7, "x"), all, IDS);
    expect(textOf(request?.value)).toBe("x");
  });

  test("a process learns that a value was chosen only if it was", () => {
    const x = { ballot: b(1, 7), value: bytes("x") };
    expect(chosenBy([[1, x]])).toBeNull();
    expect(
      chosenBy([
        [1, x],
        [3, x],
      ]),
    ).toBe("x");
  });
});

describe("2.2 choosing a value", () => {
  test("P1: an acceptor accepts the first proposal that it receives", () => {
    const acceptor = createAcceptor();
    const proposal = { ballot: b(1, 7), value: bytes("x") };
    expect(onAccept(acceptor, proposal).reply?.kind).toBe("accepted");
  });

  test("with P1 alone two values split the acceptors, so one must be able to accept more", () => {
    const all = acceptors();
    const split = IDS.map((id): readonly [NodeId, Proposal] => {
      const proposal = { ballot: b(1, 6 + id), value: bytes(`v${id}`) };
      onAccept(all.get(id) as AcceptorState, proposal);
      return [id, proposal];
    });
    expect(chosenBy(split)).toBeNull();
    const later = proposer(7, "z");
    see(later, b(1, 9));
    expect(accept(prepare(later, all, IDS), all, IDS)).toEqual([...IDS]);
  });

  test("P1a: it accepts a proposal iff it has not answered a prepare request above it", () => {
    const acceptor = createAcceptor();
    onPrepare(acceptor, b(5, 7));
    for (const [ballot, kind] of [
      [b(4, 9), "nack"],
      [b(5, 6), "nack"],
      [b(5, 7), "accepted"],
      [b(6, 1), "accepted"],
    ] as const)
      expect(onAccept(acceptor, { ballot, value: bytes("x") }).reply?.kind).toBe(kind);
  });

  test("P2, P2a, P2b: what is chosen stays what every higher proposal has", () => {
    const all = acceptors();
    expect(accept(prepare(proposer(7, "x"), all, [1, 2]), all, [1, 2])).toEqual([1, 2]);
    for (const reached of [
      [1, 2],
      [1, 3],
      [2, 3],
    ]) {
      const later = proposer(8, "y");
      see(later, b(9, 9));
      expect(textOf(prepare(later, structuredClone(all), reached)?.value)).toBe("x");
    }
  });

  test("P2c: of two accepted values of different ballots the higher is proposed", () => {
    const all = acceptors();
    // Accepted by one acceptor each: neither is chosen, and either could have been.
    accept(prepare(proposer(7, "x"), all, [1, 2]), all, [1]);
    const second = proposer(8, "y");
    expect(accept(prepare(second, all, [2, 3]), all, [2])).toEqual([2]);
    const third = proposer(6, "z");
    see(third, b(1, 8));
    const request = prepare(third, all, [1, 2]);
    expect(textOf(request?.value)).toBe("y");
    expect(accept(request, all, IDS)).toEqual([1, 2, 3]);
  });

  test("P2c: taking the lower would choose two values", () => {
    const all = acceptors();
    accept(prepare(proposer(7, "x"), all, [1, 2]), all, [1]);
    const second = prepare(proposer(8, "y"), all, [2, 3]);
    // One more acceptance, anywhere, and y is chosen: the third proposer cannot tell.
    expect(accept(second, all, [2, 3])).toEqual([2, 3]);
    const third = proposer(6, "z");
    see(third, b(1, 8));
    const request = prepare(third, all, [1, 2]);
    expect(textOf(request?.value)).toBe("y");
  });

  test("P2c: free to propose its own where a majority has accepted nothing below", () => {
    const all = acceptors();
    accept(prepare(proposer(7, "x"), all, [1, 2]), all, [1]);
    const later = proposer(8, "y");
    see(later, b(3, 0));
    expect(textOf(prepare(later, all, [2, 3])?.value)).toBe("y");
  });

  test("a request may be ignored without harm: silence only delays", () => {
    const all = acceptors();
    expect(prepare(proposer(7, "x"), all, [1])).toBeNull();
    expect(prepare(proposer(7, "x"), all, [])).toBeNull();
  });

  test("an acceptor remembers only its highest acceptance and its highest promise", () => {
    const acceptor = createAcceptor();
    for (const round of [1, 2, 3])
      onAccept(acceptor, { ballot: b(round, 7), value: bytes(`v${round}`) });
    onPrepare(acceptor, b(8, 7));
    expect(acceptor).toEqual({
      promised: b(8, 7),
      accepted: { ballot: b(3, 7), value: bytes("v3") },
      damaged: false,
    });
  });

  test("a proposer may abandon a proposal, as long as it never uses the number again", () => {
    const state = proposer(7, "x");
    const first = beginBallot(state).message.ballot;
    expect(beginBallot(state).message.ballot).not.toEqual(first);
  });
});

describe("2.3 learning a chosen value", () => {
  test("a learner that missed a message cannot tell, and a new proposal finds out", () => {
    const all = acceptors();
    const request = prepare(proposer(7, "x"), all, IDS) as Accept;
    accept(request, all, [1, 2]);
    // Acceptor 2 is gone: one acceptance and one blank are all that can be asked.
    expect(chosenBy([[1, request]])).toBeNull();
    const finder = proposer(8, "anything");
    see(finder, request.ballot);
    const found = prepare(finder, all, [1, 3]);
    accept(found, all, [1, 3]);
    expect(
      chosenBy([
        [1, found as Accept],
        [3, found as Accept],
      ]),
    ).toBe("x");
  });
});

describe("2.4 progress", () => {
  test("two proposers can outbid each other for ever: only waiting helps", () => {
    const all = acceptors();
    const [p, q] = [proposer(7, "x"), proposer(8, "y")];
    let pending = prepare(p, all, IDS);
    for (let turn = 0; turn < 10; turn += 1) {
      const [waiting, next] = turn % 2 === 0 ? [p, q] : [q, p];
      see(next, waiting.highest);
      const request = prepare(next, all, IDS);
      expect(accept(pending, all, IDS)).toEqual([]);
      pending = request;
    }
    expect(accept(pending, all, IDS)).toEqual([...IDS]);
  });
});
