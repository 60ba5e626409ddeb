import * as paxos from "@synod/core/protocols/paxos";
import { afterEach, describe, expect, test, vi } from "vitest";
import { runMain } from "../testing/run-main.ts";

afterEach(() => vi.restoreAllMocks());

function last(out: string): string {
  return out.trimEnd().split("\n").at(-1) ?? "";
}

test("tells rounds as lines, with a tally after each", async () => {
  const { code, out } = await runMain("toy", "--rounds", "2", "--seed", "3", "--value", "tea");
  expect(code).toBe(0);
  const lines = out.split("\n");
  expect(lines.slice(0, 2)).toEqual(["Starting Paxos.... (seed 3)", "Generated new proposal: tea"]);
  expect(lines[2]).toMatch(/^Acceptor \d received prepare message, id 1.0$/);
  expect(out).toContain("\nProposer received promise from acceptor 0, id 1.0\n");
  expect(out).toContain("\nProposer has a quorum of promises, proposes tea, id 1.0\n");
  expect(out).toContain("\nAcceptor 0 accepted value tea, id 1.0\n");
  expect(out).toContain("\nProposer received accept from acceptor 0, id 1.0\n");
  expect(lines.slice(-6)).toEqual([
    "Consensus reached. Value tea accepted",
    "2 rounds, 2 agreed: 100.0 % (computed: 94.9 %)",
    "",
    "-".repeat(26),
    "",
    "",
  ]);
});

test("as JSON: a line per event, the tally last", async () => {
  const { code, out } = await runMain("toy", "--rounds", "1000", "--seed", "1", "--json");
  expect(code).toBe(0);
  const [first] = out.split("\n");
  expect(JSON.parse(first ?? "")).toMatchObject({ round: 1, ms: 0, event: "proposal" });
  const tally = JSON.parse(last(out));
  expect(Object.keys(tally)).toEqual(["rounds", "agreed", "rate", "computed", "conflicts"]);
  expect(tally).toMatchObject({ rounds: 1000, rate: tally.agreed / 1000, conflicts: 0 });
  expect(Math.abs(tally.rate - tally.computed)).toBeLessThan(0.02);
});

test("the same seed gives the same output", async () => {
  const run = () => runMain("toy", "--rounds", "5", "--seed", "9", "--proposers", "3");
  expect(await run()).toEqual(await run());
});

test("says so and fails when two values are chosen", async () => {
  // A proposer that ignores what was accepted before.
  vi.spyOn(paxos, "onPromise").mockImplementation((proposer, quorums, from, message) => {
    const { attempt } = proposer;
    if (attempt?.phase !== "prepare" || proposer.value === null) return null;
    if (message.ballot.round !== attempt.ballot.round) return null;
    attempt.promisedBy.add(from);
    if (!quorums.isPhase1(attempt.promisedBy)) return null;
    const { value } = proposer;
    proposer.attempt = { phase: "accept", ballot: attempt.ballot, value, acceptedBy: new Set() };
    return { kind: "accept", ballot: attempt.ballot, value };
  });
  const options = ["--proposers", "3", "--proposer-failure-prob", "0.2", "--silent"];
  const { code, out, err } = await runMain("toy", ...options, "--rounds", "200", "--seed", "1");
  expect(code).toBe(1);
  expect(out).toContain("Consensus broken! Values");
  expect(err).toMatch(/^synod: two values were chosen in \d+ rounds$/m);
});

describe("bad options", () => {
  test.each([
    ["--num-acceptors", "0"],
    ["--num-acceptors", "-1"],
    ["--num-acceptors", "five"],
    ["--acceptor-failure-prob", "1.5"],
    ["--acceptor-failure-prob", "-0.1"],
    ["--acceptor-failure-prob", "1e-3x"],
    ["--proposers", "0"],
    ["--rounds", "0"],
    ["--delay", "soon"],
    ["--colour", "red"],
  ])("%s %s: message, usage, exit code 2", async (...args) => {
    const { code, out, err } = await runMain("toy", ...args);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toMatch(/^synod: /);
    expect(err).toContain("Usage: synod toy [options]");
  });
});
