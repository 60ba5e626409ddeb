import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { createLog, createMemoryTransport, formatNode } from "@synod/node";
import { DISK_COMPLIANCE } from "@synod/node/compliance";
import { describe, expect, test } from "vitest";
import { createMemoryDisk } from "./memory-disk.ts";

describe("a disk in memory does what every disk must do", () => {
  test.each(DISK_COMPLIANCE)("$name", ({ run }) => run(createMemoryDisk()));
});

test("a node keeps its log on it, over a restart", async () => {
  const disk = createMemoryDisk();
  const cluster = randomBytes(16).toString("hex");
  const members = [{ id: 0, address: "127.0.0.1:1", zone: "", roles: [] }];
  const configuration = { number: 1, cluster, members, quorums: null };
  const directory = "/nothing/is/kept/here";
  await formatNode({ directory, disk, cluster, id: 0 });
  for (const index of [1, 2]) {
    const transport = createMemoryTransport();
    const place = { id: 0, configuration, directory, disk, transport };
    const log = await createLog({ ...place, protocol: multipaxos });
    expect(await log.append(new TextEncoder().encode(`entry ${index}`))).toBe(index);
    await log.close();
  }
});

test("docs/guide/your-own-storage.md shows this code", () => {
  const page = readFileSync(
    new URL("../../docs/guide/your-own-storage.md", import.meta.url),
    "utf8",
  );
  const shown = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
  expect(shown).toHaveLength(4);
  const sources = [
    "memory-disk.test.ts",
    "memory-disk.ts",
    "level/level-storage.ts",
    "level/level-cluster.test.ts",
  ].map((name) => readFileSync(new URL(name, import.meta.url), "utf8"));
  for (const [at, code] of shown.entries())
    for (const part of code.trim().split("\n…\n")) expect(sources[at]).toContain(part.trim());
});
