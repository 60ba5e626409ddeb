import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { clusterText } from "./cluster.ts";
import { numbersByName } from "./options.ts";
import { runMain } from "./testing/run-main.ts";

const folder = mkdtempSync(join(tmpdir(), "synod-"));
const cluster = join(folder, "cluster.json");
const member = { id: 0, peer: "127.0.0.1:1", http: "127.0.0.1:2" };
const file = { cluster: "0".repeat(32), members: [member], quorums: null };
writeFileSync(cluster, clusterText({ ...file, protocol: "omnipaxos" }));

afterAll(() => rmSync(folder, { recursive: true }));

test("--tuning takes numbers by name, in one list or in several", () => {
  expect(numbersByName("electionMs=300, priority=0")).toEqual({ electionMs: 300, priority: 0 });
  expect(numbersByName("window=4", { priority: 1 })).toEqual({ priority: 1, window: 4 });
});

test.each([
  ["electionMinMs=60,preVote=1", "omnipaxos has no number preVote, but electionMs, electionMinMs"],
  ["electionMs=-3", '"electionMs=-3" is not of the form name=number'],
  ["electionMs", '"electionMs" is not of the form name=number'],
  ["electionMs=1e3", "is not of the form name=number"],
])("--tuning %s is refused, and nothing is started", async (tuning, says) => {
  const dir = join(folder, "data");
  const where = ["--id", "0", "--cluster", cluster, "--dir", dir];
  const { code, err } = await runMain("start", ...where, "--tuning", tuning);
  expect([code, err.replace(/\s+/g, " ")]).toEqual([2, expect.stringContaining(says)]);
});
