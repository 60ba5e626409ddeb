import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runMain } from "../testing/run-main.ts";

const folder = mkdtempSync(join(tmpdir(), "synod-check-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FIRST = '{"history":"synod","version":1}\n';
const PUT = { client: 1, call: 1, return: 2, op: "put", key: "k", value: "v", outcome: "ok" };
const GET = { client: 2, call: 3, return: 4, op: "get", key: "k", result: "v", outcome: "ok" };

function file(name: string, ...lines: readonly object[]): string {
  const path = join(folder, name);
  writeFileSync(path, FIRST + lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return path;
}

const good = file("good.jsonl", PUT, GET);
const bad = file("bad.jsonl", PUT, { ...GET, result: null });
const open = file(
  "open.jsonl",
  ...Array.from({ length: 12 }, (_, n) => ({ ...PUT, client: n, op: "append", value: `${n}` })),
  { ...GET, result: "nobody wrote this" },
);

const run = (...args: string[]) => runMain("check", ...args);

test("a linearizable file is 0 and silent on standard error", async () => {
  const { code, out, err } = await run(good);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/good\.jsonl: linearizable \(2 operations, \d+ steps, \d+ ms\)\n$/);
});

test("one that is not linearizable is 1, with its counter-example", async () => {
  const { code, out, err } = await run(bad);
  expect([code, err]).toEqual([1, "synod: 1 of 1 not linearizable\n"]);
  expect(out).toMatch(/bad\.jsonl: not linearizable \(2 operations, /);
  expect(out).toMatch(/3 {9}4 {8}2 {2}get → nothing .* no order explains this answer/);
});

test("an undecided one is 3, unless another one is wrong", async () => {
  const { code, out } = await run("--steps", "100", open);
  expect(code).toBe(3);
  expect(out).toContain('ran out before a verdict on "k"; --steps gives more');
  expect((await run("--steps", "100", open, bad, good)).code).toBe(1);
  expect((await run(open)).code).toBe(1);
});

test("an unreadable one is 2 and one line; the others are checked all the same", async () => {
  const broken = file("broken.jsonl", PUT, { ...GET, result: 1 });
  const { code, out, err } = await run(broken, bad);
  expect(code).toBe(2);
  expect(err).toBe(`synod: ${broken}:3: expected "result": the text, or null\n`);
  expect(out).toContain("bad.jsonl: not linearizable");
  const missing = join(folder, "missing.log");
  const { err: lines } = await run(missing, broken);
  expect(lines.split("\n")).toHaveLength(3);
  expect(lines).toContain(`synod: ${missing}: expected a file that can be read: it does not exist`);
});

test("bytes that are no text are told with their line", async () => {
  const path = join(folder, "binary");
  writeFileSync(path, Buffer.from([...Buffer.from("\n\n"), 0xff, 0xfe]));
  const { code, err } = await run(path);
  expect([code, err]).toEqual([2, `synod: ${path}:3: expected text in UTF-8\n`]);
});

test("a file without line ends is not read to its end", async () => {
  const path = join(folder, "endless.log");
  writeFileSync(path, Buffer.alloc(17 * 1024 * 1024, "x"));
  const { code, err } = await run(path);
  expect([code, err]).toEqual([2, `synod: ${path}:1: expected a line of at most 16777216 bytes\n`]);
});

test("of a directory all histories are checked", async () => {
  const inner = mkdtempSync(join(folder, "some-"));
  for (const name of ["b.log", "a.txt", "README.md"]) writeFileSync(join(inner, name), FIRST);
  const { code, out } = await run(inner);
  expect(code).toBe(0);
  expect(out.match(/[ab]\.(txt|log): linearizable/g)).toEqual([
    "a.txt: linearizable",
    "b.log: linearizable",
  ]);
  expect((await run(mkdtempSync(join(folder, "none-")))).code).toBe(2);
});

test("--json gives one object a line", async () => {
  const { code, out } = await run("--json", good, bad);
  expect(code).toBe(1);
  const [first, second] = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(first).toMatchObject({
    file: good,
    format: "synod",
    verdict: "linearizable",
    operations: 2,
  });
  expect(second).toMatchObject({
    verdict: "not-linearizable",
    counterExample: { key: "k", total: 2, shortest: true, culprit: 1 },
  });
  expect(second.counterExample.operations[1]).toEqual({ ...GET, client: "2", result: null });
});

test("a line may be cut anywhere by the size of reads", async () => {
  const long = "ä".repeat(100_001);
  const path = file("long.jsonl", { ...PUT, value: long }, { ...GET, result: long });
  expect((await run(path)).code).toBe(0);
});
