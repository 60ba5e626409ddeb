import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import {
  ClusterFileError,
  clusterConfiguration,
  parseClusterFile,
  readClusterFile,
} from "./cluster-file.ts";

const member = (id: number) => ({
  id,
  peer: `127.0.0.1:${9_080 + id}`,
  http: `127.0.0.1:${8_080 + id}`,
});
const good = { cluster: "0123456789abcdef0123456789abcdef", members: [0, 1, 2].map(member) };

/** What is said about a file that differs from a good one. */
function problem(more: object): string {
  try {
    parseClusterFile(JSON.stringify({ ...good, ...more }), "c.json");
  } catch (error) {
    expect(error).toBeInstanceOf(ClusterFileError);
    const { message } = error as Error;
    expect(message).toMatch(/^cluster file c\.json: [^\n]+$/);
    return message.slice("cluster file c.json: ".length);
  }
  return "";
}

it("reads a good file, members in order of their ids", () => {
  const members = [2, 0, 1].map(member);
  const file = parseClusterFile(JSON.stringify({ ...good, members }), "c.json");
  expect(file).toEqual({ ...good, protocol: null, quorums: null });
  expect(clusterConfiguration(file)).toEqual({
    number: 1,
    cluster: good.cluster,
    members: [0, 1, 2].map((id) => ({
      id,
      address: `127.0.0.1:${9_080 + id}`,
      zone: "",
      roles: [],
    })),
    quorums: null,
  });
});

it("reads the protocol, and refuses what keeps no log", () => {
  const text = JSON.stringify({ ...good, protocol: "omnipaxos" });
  expect(parseClusterFile(text, "c.json").protocol).toBe("omnipaxos");
  expect(problem({ protocol: "paxos" })).toBe(
    "protocol: must be one of multipaxos, omnipaxos, pmmc, broadcast",
  );
});

it("reads flexible quorums, and refuses those that do not meet", () => {
  const quorums = { phase1: 3, phase2: 1 };
  expect(parseClusterFile(JSON.stringify({ ...good, quorums }), "c.json").quorums).toEqual(quorums);
  expect(problem({ quorums: { phase1: 1, phase2: 1 } })).not.toBe("");
  expect(problem({ quorums: { phase1: 1.5, phase2: 3 } })).toMatch(/^quorums\.phase1: /);
});

it("says in one line what is wrong and where", () => {
  expect(problem({ cluster: "abc" })).toBe("cluster: must be 32 hex digits in lower case");
  expect(problem({ cluster: undefined })).toMatch(/^cluster: expected string/);
  expect(problem({ members: {} })).toMatch(/^members: expected array/);
  expect(problem({ members: [] })).toMatch("at least one member");
  expect(problem({ members: Array.from({ length: 8 }, (_, id) => member(id)) })).toMatch(
    "at most 7",
  );
  expect(problem({ members: [{ ...member(0), peer: "9080" }] })).toBe(
    "members[0].peer: must be host:port",
  );
  expect(problem({ members: [{ ...member(0), http: "a:b" }] })).toBe(
    "members[0].http: must be host:port",
  );
  expect(problem({ members: [member(0), { ...member(1), id: -1 }] })).toMatch(
    /^members\[1\]\.id: /,
  );
  expect(problem({ members: [member(1), member(1)] })).not.toBe("");
  expect(problem({ members: [member(0), { ...member(1), peer: "127.0.0.1:8080" }] })).toBe(
    "127.0.0.1:8080 is used twice, the second time by member 1",
  );
  expect(problem({ memebrs: [] })).toMatch("memebrs");
});

it("says what it expected when there is something else altogether", () => {
  for (const text of ["", "{", "null", "[]", '"text"'])
    expect(() => parseClusterFile(text, "c.json")).toThrow(
      /^cluster file c\.json: .*"peer": "127\.0\.0\.1:9080"/,
    );
});

it("says which file cannot be read and why", async () => {
  const directory = mkdtempSync(join(tmpdir(), "synod-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "cluster.json");
  await expect(readClusterFile(path)).rejects.toThrow(
    `cluster file ${path}: there is no such file`,
  );
  await expect(readClusterFile(directory)).rejects.toThrow("this is a directory");
  writeFileSync(path, JSON.stringify(good));
  expect((await readClusterFile(path)).members).toHaveLength(3);
});
