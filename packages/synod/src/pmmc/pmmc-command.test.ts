import { describe, expect, test } from "vitest";
import { runMain } from "../testing/run-main.ts";

const results = (out: string): string[] => out.match(/^Result for .*$/gm) ?? [];

function states(out: string): Set<string> {
  return new Set(
    Array.from(out.matchAll(/^The state at replica \d is (.*)$/gm), ([, s = ""]) => s),
  );
}

/** Each command of each client exactly once. */
function expectAll(out: string, clients: number, requests: number): void {
  const seen = results(out).map((line) =>
    /ID (\d+) at client (\d+) is/.exec(line)?.slice(1).join(),
  );
  const all = Array.from({ length: clients }, (_, client) =>
    Array.from({ length: requests }, (__, id) => `${id + 1},${client}`),
  ).flat();
  expect([...seen].sort()).toEqual(all.sort());
}

describe("synod pmmc", () => {
  test("answers every command once, ends in equal states, tells who comes and goes", async () => {
    const { code, out } = await runMain("pmmc");
    expect(code).toBe(0);
    expectAll(out, 5, 10);
    expect(states(out).size).toBe(1);
    const lines = out.trimEnd().split("\n");
    expect(lines.slice(0, 14)).toEqual([
      ...[0, 1, 2, 3, 4].map((index) => `Client ${index} activated!`),
      ...[0, 1, 2].map((index) => `Replica ${index} activated!`),
      ...[0, 1, 2].map((index) => `Leader ${index} activated`),
      ...[0, 1, 2].map((index) => `Acceptor ${index} activated`),
    ]);
    const dots = ".".repeat(23);
    for (const name of ["Client 4", "Replica 2", "Leader 0", "Acceptor 1"])
      expect(lines.filter((line) => line === `${name} deactivated${dots}`)).toHaveLength(1);
    expect(lines).toHaveLength(14 + 50 + 5 + 2 * 3 + 6);
  });

  test("survives its leader and an acceptor", async () => {
    const { code, out } = await runMain("pmmc", "--kill", "leader@2s,acceptor@3s");
    expect(code).toBe(0);
    expectAll(out, 5, 10);
    expect(states(out).size).toBe(1);
    expect(out).toMatch(/^Leader \d is killed at 2\.0 s$/m);
    expect(out).toMatch(/^Acceptor 0 is killed at 3\.0 s$/m);
  });

  test("survives all but one leader and replica", async () => {
    const kills = "leader@500ms,leader@1s,replica0@1s,replica1@2s,acceptor@2s,acceptor@2.5s";
    const { code, out } = await runMain("pmmc", "--acceptors", "5", "--kill", kills);
    expect(code).toBe(0);
    expectAll(out, 5, 10);
    expect(out).toMatch(/^The state at replica 2 is -?\d+$/m);
    expect(out.match(/^The state/gm)).toHaveLength(1);
  });

  test("one client alone sees its commands in their order", async () => {
    const { out } = await runMain("pmmc", "--clients", "1");
    const values = results(out).map((line) => Number(line.split(": ")[1]));
    expect(values).toEqual([-1, -2, -1, 0, -1, -2, -1, 0, -1, -2]);
  });

  test("hands leading and accepting to others, and the old ones may die", async () => {
    const { code, out } = await runMain(
      ...["pmmc", "--reconfigure", "acceptors=2+3+4@1s,leaders=2+3@1.5s"],
      ...["--kill", "acceptor0@3s,leader0@3s,leader1@3s"],
    );
    expect(code).toBe(0);
    expectAll(out, 5, 10);
    expect(out).toMatch(/^Acceptor 4 activated as a spare$/m);
    expect(out).toMatch(/^Epoch 1 begins with slot \d+: leaders 0, 1, 2; acceptors 2, 3, 4$/m);
    expect(out).toMatch(/^Epoch 2 begins with slot \d+: leaders 2, 3; acceptors 2, 3, 4$/m);
  });

  test("the same seed tells the same story, another one another", async () => {
    const run = (seed: string) =>
      runMain("pmmc", "--seed", seed, "--requests", "3", "--pause", "0");
    const first = await run("7");
    expect(await run("7")).toEqual(first);
    expect((await run("8")).out).not.toBe(first.out);
  });

  test("says what it did not come to", async () => {
    const { code, out } = await runMain("pmmc", "--requests", "1", "--kill", "leader@60s");
    expect(code).toBe(0);
    expect(out).toContain("\nleader@60s did not happen: the run was over before\n");
  });

  test.each([
    [["--kill", "boss@1s"], /"boss@1s" is not of the form leader@2s/],
    [["--kill", "leader@soon"], /"soon" is no time/],
    [["--kill", "leader7@1s"], /there is no leader 7 to be killed/],
    [["--kill", "leader@1s,leader@2s,leader@3s"], /at least one leader has to stay alive/],
    [["--kill", "replica@1s", "--replicas", "1"], /at least one replica has to stay alive/],
    [["--kill", "acceptor@1s,acceptor@2s"], /more than half of 3 acceptors have to stay alive/],
    [["--reconfigure", "replicas=1@1s"], /is not of the form acceptors=1\+2\+3@2s/],
    [["--reconfigure", "acceptors=1+99@1s"], /at most 31 members/],
    [["--reconfigure", "acceptors=0+1+2+3+4+5+6+7@1s"], /at most 7 acceptors can be named/],
    [["--acceptors", "8"], /whole number from 1 to 7/],
  ])("%j is refused with what is wrong and how to use it", async (args, problem) => {
    const { code, out, err } = await runMain("pmmc", ...args);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toMatch(problem);
    expect(err).toContain("Usage: synod pmmc");
  });
});
