import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("../../scripts/example.mjs", import.meta.url));

function example(...args: string[]) {
  const done = spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

test("npm run example -- hello-paxos prints one line and ends", () => {
  expect(example("hello-paxos")).toMatchObject({
    code: 0,
    out: "Delivered:  {peer1 peer1: hello, paxos!}\n",
  });
});

test("an example that is none is refused", () => {
  const { code, err } = example("../bench");
  expect(code).toBe(2);
  expect(err).toBe("usage: npm run example -- hello-paxos | key-value-store | durable-log\n");
});
