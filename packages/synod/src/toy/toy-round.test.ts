import { createPrng } from "@synod/core";
import { describe, expect, test } from "vitest";
import type { ToyEvent, ToyOutcome } from "./toy-event.ts";
import { computedRate } from "./toy-rate.ts";
import { playRound } from "./toy-round.ts";
import type { ToySettings } from "./toy-settings.ts";

const USUAL: ToySettings = {
  acceptors: 5,
  proposers: 1,
  acceptorFails: 0.1,
  proposerFails: 0,
  silent: false,
  value: null,
};

interface Round {
  readonly outcome: ToyOutcome;
  readonly story: readonly ToyEvent[];
}

function play(rounds: number, settings: Partial<ToySettings>, seed = 1): Round[] {
  const random = createPrng(seed);
  return Array.from({ length: rounds }, () => {
    const story: ToyEvent[] = [];
    const told = ({ event }: { readonly event: ToyEvent }): void => void story.push(event);
    return { outcome: playRound({ ...USUAL, ...settings }, random, told), story };
  });
}

function countOf(story: readonly ToyEvent[], ...kinds: ToyEvent["event"][]): number {
  return story.filter(({ event }) => kinds.includes(event)).length;
}

function agreedIn(rounds: readonly Round[]): number {
  return rounds.filter(({ outcome }) => outcome === "agreed").length / rounds.length;
}

describe("one proposer", () => {
  test.each([
    { silent: false },
    { silent: true },
    { acceptors: 1 },
    { acceptors: 4, acceptorFails: 0.3 },
    { acceptors: 3, proposerFails: 0.2, silent: true },
    { acceptorFails: 0 },
    { acceptorFails: 1 },
  ])("agrees as often as it should: %o", (settings) => {
    const expected = computedRate({ ...USUAL, ...settings }) as number;
    expect(Math.abs(agreedIn(play(4_000, settings)) - expected)).toBeLessThan(0.02);
  });

  test("makes one attempt: every acceptor is asked once in each phase, and answers", () => {
    for (const { outcome, story } of play(200, { acceptorFails: 0.3 })) {
      expect(story[0]?.event).toBe("proposal");
      expect(countOf(story, "prepare")).toBe(5);
      const proposed = countOf(story, "propose");
      expect(countOf(story, "promise", "fail", "accept")).toBe(5 + 5 * proposed);
      expect(countOf(story, "accepted", "not-accepted")).toBe(5 * proposed);
      expect(outcome === "no-quorum").toBe(proposed === 0);
      expect(countOf(story, "accept") >= 3).toBe(outcome === "agreed");
      expect(story.at(-1)?.event).toBe("verdict");
    }
  });

  test("who has failed takes part in nothing more", () => {
    for (const { story } of play(200, { acceptorFails: 0.3 })) {
      const down = new Set<number>();
      for (const event of story) {
        if (event.event === "acceptor-down") down.add(event.acceptor);
        if (event.event === "accepted" || event.event === "prepare")
          expect(down.has(event.acceptor)).toBe(false);
      }
    }
  });

  test("in silence nobody says that it failed; the proposer stops waiting", () => {
    const rounds = play(200, { acceptorFails: 0.5, silent: true });
    for (const { outcome, story } of rounds) {
      expect(countOf(story, "fail")).toBe(0);
      expect(countOf(story, "timeout")).toBe(outcome === "agreed" ? 0 : 1);
    }
    expect(agreedIn(rounds)).toBeGreaterThan(0);
  });

  test.each(["", "two words", "😗"])("any text is a value: %o", (value) => {
    const [round] = play(1, { value, acceptorFails: 0 });
    expect(round?.story.at(-1)).toEqual({ event: "verdict", outcome: "agreed", values: [value] });
  });
});

describe("several proposers", () => {
  const duels = play(300, { proposers: 3, proposerFails: 0.2, silent: true });

  test("never have two values chosen, whoever fails", () => {
    for (const { outcome } of duels) expect(outcome).not.toBe("conflict");
    expect(agreedIn(duels)).toBeGreaterThan(0.7);
  });

  test("outbid each other, try again, and take over what was accepted before", () => {
    const all = duels.flatMap(({ story }) => story);
    expect(countOf(all, "outbid")).toBeGreaterThan(50);
    expect(countOf(all, "retry")).toBeGreaterThan(50);
    expect(all.some((event) => event.event === "propose" && event.adopted)).toBe(true);
    expect(all.some((event) => event.event === "proposer-down" && event.sent > 0)).toBe(true);
  });

  test("one that lives finishes what another began: only acceptors can stop a round", () => {
    const rounds = play(300, { proposers: 3, acceptorFails: 0, proposerFails: 0.2 });
    const survived = rounds.filter(({ story }) => countOf(story, "proposer-down") < 3);
    expect(survived.length).toBeGreaterThan(200);
    for (const { outcome } of survived) expect(outcome).toBe("agreed");
  });

  test("who knows the outcome attempts nothing more", () => {
    for (const { story } of duels) {
      const knowing = new Set<number>();
      for (const event of story) {
        if (event.event === "learned") knowing.add(event.proposer);
        if (event.event === "retry" || event.event === "propose")
          expect(knowing.has(event.proposer)).toBe(false);
      }
    }
  });

  test("propose different values, given text included", () => {
    const [round] = play(1, { proposers: 2, value: "x" });
    const values = round?.story.flatMap((event) => (event.event === "proposal" ? event.value : []));
    expect(values).toEqual(["x-0", "x-1"]);
  });
});

test("the same seed tells the same story", () => {
  const settings = { proposers: 3, proposerFails: 0.1, acceptorFails: 0.2 };
  expect(play(20, settings, 7)).toEqual(play(20, settings, 7));
  expect(play(20, settings, 7)).not.toEqual(play(20, settings, 8));
});
