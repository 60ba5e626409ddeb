import type { NodeId } from "@synod/core";
import {
  type MultipaxosMessage,
  type MultipaxosState,
  multipaxos,
} from "@synod/core/protocols/multipaxos";
import { describe, expect, test } from "vitest";
import { Lab } from "../testing/lab.ts";

/** What rots, as whole hosts see it: identity files, a record in the journal, a failing sync. */
type MultiLab = Lab<MultipaxosState, MultipaxosMessage>;

function create(size: number): MultiLab {
  const roles = Array.from({ length: size }, () => []);
  return new Lab({ protocol: multipaxos, roles, tuning: { resubmitMs: 300 } });
}

function up(lab: MultiLab, ...ids: NodeId[]): void {
  for (const id of ids) lab.start(id);
  expect(lab.runUntil(() => ids.every((id) => lab.node(id).isUp))).toBe(true);
}

function write(lab: MultiLab, id: NodeId, ...keys: string[]): void {
  for (const key of keys) {
    const token = lab.put(id, key, `of ${key}`);
    expect(
      lab.runUntil(() => lab.allDone([token])),
      key,
    ).toBe(true);
  }
}

function expectValues(lab: MultiLab, id: NodeId, ...keys: string[]): void {
  for (const key of keys) {
    const token = lab.get(id, key);
    expect(
      lab.runUntil(() => lab.allDone([token])),
      key,
    ).toBe(true);
    expect(lab.value(token)).toBe(`of ${key}`);
  }
}

function replica(lab: MultiLab, id: NodeId) {
  const status = lab.node(id).host?.status().replica;
  const { impaired, faulty } = status?.detail ?? {};
  return { voter: status?.voter, role: status?.role, impaired, faulty };
}

/** Flips one bit of these words wherever they stand in the journal of a node that is down. */
function rotJournal(lab: MultiLab, id: NodeId, words: string): void {
  const { disk } = lab.node(id);
  let found = 0;
  for (const name of disk.image.names()) {
    if (!name.startsWith("journal-")) continue;
    const bytes = disk.image.file(name)?.read(0, 1 << 24) ?? new Uint8Array(0);
    const text = new TextDecoder("latin1").decode(bytes);
    for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
      expect(disk.flipBit(name, at, 0)).toBe(true);
      found += 1;
    }
  }
  expect(found).toBeGreaterThan(0);
}

describe("a record of an acceptance rots on one of the two that chose the value", () => {
  const all = ["before", "rotten", "after-1", "after-2"];

  /** Written by all, then by 0 and 1 alone; 0 is gone, and what 1 knows of `rotten` is damaged. */
  function damaged(): MultiLab {
    const lab = create(3);
    up(lab, 0, 1, 2);
    write(lab, 0, "before");
    lab.run(500);
    lab.crash(2);
    write(lab, 0, "rotten", "after-1", "after-2");
    lab.run(500);
    lab.crash(0);
    lab.crash(1);
    rotJournal(lab, 1, "of rotten");
    return lab;
  }

  test("nothing acknowledged is lost, and its node is a full voter again after the repair", () => {
    const lab = damaged();
    up(lab, 1, 2);
    expect(replica(lab, 1)).toMatchObject({ voter: true, impaired: 0, faulty: 1 });
    // Together they cannot know what was chosen: nothing is served, nothing is put in its place.
    const asked = [lab.get(1, "rotten"), lab.get(2, "rotten"), lab.put(2, "late", "of late")];
    lab.run(20_000);
    for (const token of asked) expect(lab.outcomes.get(token)).toBe(undefined);
    expect(replica(lab, 1)).toMatchObject({ voter: true, faulty: 1 });
    up(lab, 0);
    expectValues(lab, 2, ...all);
    expect(lab.runUntil(() => lab.allDone(asked))).toBe(true);
    expect(asked.slice(0, 2).map((token) => lab.value(token))).toEqual(["of rotten", "of rotten"]);
    expect(lab.runUntil(() => replica(lab, 1).faulty === 0)).toBe(true);
    expect(lab.node(1).events).toContain("slot repaired ");
    // The one that is lost now is the one whose copy was needed a moment ago.
    lab.run(500);
    lab.crash(0);
    write(lab, 1, "last");
    expectValues(lab, 2, ...all, "late", "last");
    // And it is a voter on what its own disk says, too.
    lab.crash(1);
    up(lab, 1);
    expect(replica(lab, 1)).toMatchObject({ voter: true, impaired: 0 });
    write(lab, 1, "very last");
    expectValues(lab, 1, ...all, "late", "last", "very last");
  });

  test("what is faulty is remembered, however often the power fails before it is repaired", () => {
    const lab = damaged();
    for (let life = 0; life < 4; life += 1) {
      up(lab, 1);
      expect(replica(lab, 1)).toMatchObject({ voter: true, impaired: 0, faulty: 1 });
      lab.run(life * 40);
      lab.crash(1);
    }
    up(lab, 1, 2);
    lab.run(10_000);
    expect(replica(lab, 1)).toMatchObject({ voter: true, faulty: 1 });
    up(lab, 0);
    expectValues(lab, 1, ...all);
  });

  test("with the other one there, no one notices", () => {
    const lab = damaged();
    up(lab, 0, 1);
    expectValues(lab, 1, ...all);
    expect(lab.runUntil(() => replica(lab, 1).faulty === 0)).toBe(true);
  });
});

describe("damage that nothing names", () => {
  test("costs the vote for good, and the status says why", () => {
    const lab = create(3);
    up(lab, 0, 1, 2);
    write(lab, 0, "kept");
    lab.crash(1);
    const { image } = lab.node(1).disk;
    for (const name of image.names()) if (name.startsWith("journal-")) image.removeAtRest(name);
    for (let life = 0; life < 2; life += 1) {
      up(lab, 1);
      expectValues(lab, 1, "kept");
      expect(replica(lab, 1)).toMatchObject({ voter: false, impaired: 1 });
      const status = lab.node(1).host?.status();
      expect(status?.nonVoterReason).toMatch(/^its journal has lost .* it must be replaced$/);
      lab.crash(1);
    }
  });
});

describe("the identity", () => {
  const copies = ["identity-a", "identity-b"] as const;

  function started(): MultiLab {
    const lab = create(1);
    up(lab, 0);
    write(lab, 0, "kept");
    lab.crash(0);
    return lab;
  }

  test.each(copies)("with %s damaged it is taken from the other, which makes it good", (name) => {
    const lab = started();
    const { disk } = lab.node(0);
    expect(disk.flipBit(name, 40, 3)).toBe(true);
    up(lab, 0);
    expectValues(lab, 0, "kept");
    lab.crash(0);
    const [a, b] = copies.map((copy) => disk.image.file(copy)?.read(0, 4096));
    expect(a).toEqual(b);
  });

  test("with both damaged the node does not start, and says why and what to do", () => {
    const lab = started();
    for (const name of copies) expect(lab.node(0).disk.flipBit(name, 40, 3)).toBe(true);
    lab.start(0);
    expect(lab.runUntil(() => lab.node(0).ended !== null)).toBe(true);
    expect(lab.node(0).ended).toMatch(
      /^damaged: both copies of the identity are damaged .* move the data directory away/,
    );
  });
});

describe("a sync that fails", () => {
  test("stops the node at once; what it acknowledged is there when it starts again", () => {
    const lab = create(3);
    up(lab, 0, 1, 2);
    write(lab, 0, "first");
    const leader = [0, 1, 2].find((id) => replica(lab, id).role === "leader") as NodeId;
    const error = { code: "io", message: "injected" } as const;
    lab
      .node(leader)
      .disk.faults.arm({ call: "sync", prefix: "journal-", after: 0, times: 1, error });
    const other = (leader + 1) % 3;
    const token = lab.put(other, "second", "of second");
    expect(lab.runUntil(() => lab.node(leader).ended !== null)).toBe(true);
    expect(lab.node(leader).ended).toContain("injected");
    expect(lab.runUntil(() => lab.allDone([token]))).toBe(true);
    lab.crash(leader);
    up(lab, leader);
    expectValues(lab, leader, "first", "second");
    expect(replica(lab, leader)).toMatchObject({ voter: true, impaired: 0 });
  });
});
