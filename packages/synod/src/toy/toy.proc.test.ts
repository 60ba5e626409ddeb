import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SYNOD = fileURLToPath(new URL("../../bin/synod.js", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function endOf(child: ChildProcess): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
  const [code] = await once(child, "close");
  return { code, out, err };
}

test("Ctrl-C ends the story, and the tally is told", async () => {
  const child = spawn(process.execPath, [SYNOD, "toy", "--json", "--seed", "1"]);
  const ended = endOf(child);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  const { code, out, err } = await ended;
  expect([code, err]).toEqual([0, ""]);
  const tally = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "");
  expect(tally.rounds).toBeGreaterThan(0);
  expect(tally.conflicts).toBe(0);
});

test("a reader that has seen enough ends it in peace", async () => {
  const told = `"${process.execPath}" "${SYNOD}" toy --seed 1`;
  const pipe = `${told} | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const { code, out, err } = await endOf(spawn("bash", ["-c", pipe]));
  expect([code, err]).toEqual([0, ""]);
  expect(out).toBe("Starting Paxos.... (seed 1)\n0\n");
});
