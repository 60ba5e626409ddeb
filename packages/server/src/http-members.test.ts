import { failed } from "@synod/runtime";
import { beforeEach, describe, expect, it } from "vitest";
import { STATUS } from "./testing/fake-backend.ts";
import { httpHarness } from "./testing/http-harness.ts";

const node = httpHarness();

const member = (id: number) => {
  return {
    id,
    address: `127.0.0.1:${9_080 + id}`,
    zone: "",
    roles: [],
    dataId: `${id}`.repeat(32),
  };
};

beforeEach(() => {
  node.backend.statusNow = {
    ...STATUS,
    configuration: 4,
    membership: {
      ...STATUS.membership,
      members: [0, 1, 2].map(member),
      began: { log: 0, index: 17 },
      holders: [0, 1],
      settled: true,
      applicants: [
        { node: 0, dataId: "f".repeat(32) },
        { node: 3, dataId: "3".repeat(32) },
      ],
    },
  };
});

async function ask(method: string, path: string, body?: unknown) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const options = body === undefined ? {} : { body: text };
  const answer = await node.ask(method, `/_synod/members${path}`, options);
  return { status: answer.status, body: JSON.parse(answer.body) as Record<string, unknown> };
}

const asked = () =>
  node.backend.changes
    .at(-1)
    ?.members.map(({ id }) => id)
    .sort();

describe("members", () => {
  it("are listed, with who wants to be one", async () => {
    expect(await ask("GET", "")).toEqual({
      status: 200,
      body: {
        configuration: 4,
        began: 17,
        stopping: false,
        settled: true,
        waitsFor: "",
        members: [0, 1, 2].map((id) => {
          const { address: peer, dataId } = member(id);
          return { id, peer, roles: [], dataId, holdsState: id < 2 };
        }),
        quorums: null,
        applicants: [
          { id: 0, dataId: "f".repeat(32) },
          { id: 3, dataId: "3".repeat(32) },
        ],
      },
    });
  });

  it("are added, in the place of the configuration that was seen", async () => {
    const added = await ask("POST", "", { id: 3, peer: "127.0.0.1:9083" });
    expect(added).toEqual({ status: 200, body: { configuration: 5, began: 100 } });
    expect(node.backend.changes).toEqual([
      {
        replaces: 4,
        quorums: null,
        members: [
          ...[0, 1, 2].map(member),
          { id: 3, address: "127.0.0.1:9083", zone: "", roles: [] },
        ],
      },
    ]);
    const dataId = "ab".repeat(16);
    await ask("POST", "", { id: 4, peer: "127.0.0.1:9084", dataId });
    expect(node.backend.changes[1]?.members[3]).toMatchObject({ id: 4, dataId });
  });

  it("are removed", async () => {
    expect((await ask("DELETE", "/1")).status).toBe(200);
    expect(asked()).toEqual([0, 2]);
  });

  it("are replaced by another node, or by their own new data directory or address", async () => {
    await ask("PUT", "/0", { id: 3, peer: "127.0.0.1:9083" });
    expect(asked()).toEqual([1, 2, 3]);
    expect(node.backend.changes[0]?.members.at(-1)?.dataId).toBe("3".repeat(32));
    await ask("PUT", "/0");
    const replaced = { ...member(0), dataId: "f".repeat(32) };
    expect(node.backend.changes[1]?.members.at(-1)).toEqual(replaced);
    await ask("PUT", "/1", { peer: "127.0.0.1:7" });
    const moved = { ...member(1), address: "127.0.0.1:7" };
    expect(node.backend.changes[2]?.members.at(-1)).toEqual(moved);
  });
});

describe("several members", () => {
  it("come, go and are replaced in one change", async () => {
    const changed = await ask("PATCH", "", {
      remove: [1],
      replace: [{ member: 0, id: 3, peer: "127.0.0.1:9083" }, { member: 2 }],
      add: [
        { id: 5, peer: "127.0.0.1:9085" },
        { id: 4, peer: "127.0.0.1:9084", dataId: "ab".repeat(16) },
      ],
    });
    expect(changed).toEqual({ status: 200, body: { configuration: 5, began: 100 } });
    const [change] = node.backend.changes;
    expect(node.backend.changes).toHaveLength(1);
    expect(change).toMatchObject({ replaces: 4, quorums: null });
    expect(change?.members).toEqual([
      { ...member(3), dataId: "3".repeat(32) },
      member(2),
      { id: 5, address: "127.0.0.1:9085", zone: "", roles: [] },
      { ...member(4), dataId: "ab".repeat(16) },
    ]);
  });

  it("get a vote that had none, by the command that would make them members", async () => {
    const { statusNow } = node.backend;
    const learner = { ...member(3), roles: ["learner"] };
    const members = [0, 1, 2].map(member);
    const membership = { ...statusNow.membership, members: [...members, learner] };
    const listed = async (method: string, path: string, body: unknown) => {
      node.backend.statusNow = { ...statusNow, membership };
      expect((await ask(method, path, body)).status).toBe(200);
      return node.backend.changes.at(-1)?.members.map(({ id, roles }) => `${id}${roles}`);
    };
    const { address: peer } = member(3);
    expect(await listed("POST", "", { id: 3, peer })).toEqual(["0", "1", "2", "3"]);
    expect(await listed("PUT", "/0", { id: 3, peer })).toEqual(["1", "2", "3"]);
    expect(await listed("PATCH", "", { remove: [3] })).toEqual(["0", "1", "2"]);
    node.backend.statusNow = { ...statusNow, membership };
    const again = { remove: [3], add: [{ id: 3, peer }] };
    expect(await ask("PATCH", "", again)).toMatchObject({ status: 409 });
    const twice = { add: [3, 3].map((id) => ({ id, peer })) };
    expect(await ask("PATCH", "", twice)).toMatchObject({ status: 409 });
  });

  it("may take their time, ten minutes at most", async () => {
    const answers = ["600000", "600001"].map((ms) =>
      node.ask("DELETE", "/_synod/members/1", { headers: { "synod-deadline-ms": ms } }),
    );
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 400]);
  });

  it("keep the sizes of their quorums, or get others, or majorities again", async () => {
    const { statusNow } = node.backend;
    const quorums = { phase1: 3, phase2: 1 };
    node.backend.statusNow = { ...statusNow, membership: { ...statusNow.membership, quorums } };
    expect((await ask("GET", "")).body["quorums"]).toEqual(quorums);
    await ask("PATCH", "", { remove: [1] });
    await ask("DELETE", "/1");
    await ask("PATCH", "", { quorums: { phase1: 2, phase2: 2 } });
    await ask("PATCH", "", { quorums: null });
    const asked = node.backend.changes.map((change) => change.quorums);
    expect(asked).toEqual([quorums, quorums, { phase1: 2, phase2: 2 }, null]);
  });
});

describe("a change that cannot be", () => {
  it.each([
    ["POST", "", { id: 1, peer: "127.0.0.1:1" }, 409, "already-member"],
    ["POST", "", { id: 3 }, 400, "bad-body"],
    ["POST", "", { id: 3, peer: "nowhere" }, 400, "bad-body"],
    ["POST", "", { id: 70_000, peer: "127.0.0.1:1" }, 400, "bad-body"],
    ["POST", "", { id: 3, peer: "127.0.0.1:1", pear: 1 }, 400, "bad-body"],
    ["POST", "", "{", 400, "bad-body"],
    ["POST", "", "x".repeat(5_000), 400, "bad-body"],
    ["PUT", "/0", { id: 3 }, 400, "bad-body"],
    ["PUT", "/0", { id: 1, peer: "127.0.0.1:1" }, 409, "already-member"],
    ["PUT", "/7", {}, 404, "no-such-member"],
    ["DELETE", "/7", undefined, 404, "no-such-member"],
    ["PATCH", "", { remove: [1, 1] }, 404, "no-such-member"],
    ["PATCH", "", { remove: [1], replace: [{ member: 1 }] }, 404, "no-such-member"],
    ["PATCH", "", { remove: [1], add: [{ id: 1, peer: "a:1" }] }, 409, "already-member"],
    ["PATCH", "", { add: [3, 3].map((id) => ({ id, peer: "a:1" })) }, 409, "already-member"],
    ["PATCH", "", { add: { id: 3, peer: "a:1" } }, 400, "bad-body"],
    ["PATCH", "", { quorums: { phase1: 2 } }, 400, "bad-body"],
    ["DELETE", "/one", undefined, 404, "no-such-member"],
  ])("%s %s %j: %i %s, and nothing is asked", async (method, path, body, status, code) => {
    const answer = await ask(method, path, body);
    expect([answer.status, answer.body]).toMatchObject([status, { code, applied: "no" }]);
    expect(node.backend.changes).toEqual([]);
  });

  it("is answered as the cluster says", async () => {
    node.backend.outcome = failed("configuration-unsettled", "no");
    expect(await ask("DELETE", "/1")).toMatchObject({
      status: 409,
      body: { code: "configuration-unsettled", applied: "no" },
    });
    const late = await node.ask("DELETE", "/_synod/members/1", {
      headers: { "synod-deadline-ms": "never" },
    });
    expect(late.status).toBe(400);
  });
});
