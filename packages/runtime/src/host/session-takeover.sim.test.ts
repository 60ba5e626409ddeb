import {
  type MultipaxosMessage,
  type MultipaxosState,
  multipaxos,
} from "@synod/core/protocols/multipaxos";
import { expect, test } from "vitest";
import { Lab } from "../testing/lab.ts";

type MultiLab = Lab<MultipaxosState, MultipaxosMessage>;

/** Three members, all up, after a first write at each of them: their own sessions are open. */
function started(): MultiLab {
  const lab: MultiLab = new Lab({ protocol: multipaxos, roles: [[], [], []] });
  lab.startAll();
  expect(lab.runUntil(() => lab.nodes.every((node) => node.isUp))).toBe(true);
  finish(
    lab,
    [0, 1, 2].map((id) => lab.put(id, `first-${id}`, "x")),
  );
  return lab;
}

function finish(lab: MultiLab, tokens: readonly number[]): void {
  expect(lab.runUntil(() => lab.allDone(tokens))).toBe(true);
}

/** Another life of node 2, somewhere else, has opened its session: the older one's is closed. */
function takeOver(lab: MultiLab, incarnation: number): void {
  const session = { client: `~2.${incarnation}`, sequence: 1, acknowledged: 1 };
  finish(lab, [lab.put(0, "taken", "over", session)]);
}

/** How often the machine of a node executed a write to this key. */
function executions(lab: MultiLab, id: number, key: string): number {
  const text = new TextDecoder();
  return lab.node(id).applied.filter((payload) => text.decode(payload).includes(key)).length;
}

test("a node whose session a newer life has closed goes on above it, and is served", () => {
  const lab = started();
  takeOver(lab, 900);
  const before = lab.node(2).host?.status().incarnation as number;
  expect(before).toBeLessThan(900);
  const tokens = Array.from({ length: 20 }, (_, n) => lab.put(2, `key-${n}.`, `${n}`));
  finish(lab, tokens);
  expect(lab.node(2).events.map((event) => event.trim())).toContain("session renewed");
  expect(lab.node(2).host?.status().incarnation).toBeGreaterThan(900);
  lab.run(2_000);
  for (const id of [0, 1, 2])
    for (let n = 0; n < 20; n += 1) expect(executions(lab, id, `key-${n}.`)).toBe(1);
  // Nothing of it was a repetition, and no two shared a slot's answer.
  for (const token of tokens) expect(lab.outcomes.get(token)).toMatchObject({ repeated: false });
});

test("what it wrote before stays executed once", () => {
  const lab = started();
  takeOver(lab, 900);
  finish(lab, [lab.put(2, "after", "x")]);
  lab.run(2_000);
  for (const id of [0, 1, 2]) {
    expect(executions(lab, id, "first-2")).toBe(1);
    expect(executions(lab, id, "after")).toBe(1);
  }
});

test("the higher number is durable: after a power loss no session is lost again", () => {
  const lab = started();
  takeOver(lab, 900);
  finish(lab, [lab.put(2, "after", "x")]);
  const raised = lab.node(2).host?.status().incarnation as number;
  lab.crash(2);
  lab.start(2);
  expect(lab.runUntil(() => lab.node(2).isUp)).toBe(true);
  expect(lab.node(2).host?.status().incarnation).toBeGreaterThan(raised);
  const renewals = lab.node(2).events.length;
  finish(lab, [lab.put(2, "again", "x")]);
  expect(lab.node(2).events.slice(renewals).join()).not.toContain("session renewed");
});

test("two takeovers in a row are outrun both", () => {
  const lab = started();
  takeOver(lab, 900);
  finish(lab, [lab.put(2, "one", "x")]);
  takeOver(lab, 2 ** 40);
  finish(lab, [lab.put(2, "two", "x")]);
  expect(lab.node(2).host?.status().incarnation).toBeGreaterThan(2 ** 40);
  lab.run(2_000);
  expect(executions(lab, 0, "one") + executions(lab, 0, "two")).toBe(2);
});

test("a user's session of the same node is not concerned", () => {
  const lab = started();
  const session = { client: "alice", sequence: 1, acknowledged: 1 };
  finish(lab, [lab.put(2, "hers", "1", session)]);
  takeOver(lab, 900);
  const again = lab.put(2, "hers", "1", session);
  finish(lab, [again]);
  expect(lab.outcomes.get(again)).toMatchObject({ kind: "done", repeated: true });
  expect(lab.node(2).events.join()).not.toContain("session renewed");
});
