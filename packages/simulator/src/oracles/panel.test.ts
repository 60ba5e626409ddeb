import { describe, expect, it } from "vitest";
import type { OperationCodec } from "../system.ts";
import { type Operation, orderOf } from "./operation.ts";
import { Panel } from "./panel.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `key=value` puts, `key=` removes. */
const codec: OperationCodec = {
  put: (key, value) => encoder.encode(`${key}=${value}`),
  remove: (key) => encoder.encode(`${key}=`),
  get: (key) => encoder.encode(key),
  effect: (payload) => {
    const [key = "", value = ""] = decoder.decode(payload).split("=");
    return { key, value: value === "" ? null : value };
  },
  answer: (result) => (result.length === 0 ? null : decoder.decode(result)),
};

function createPanel() {
  const panel = new Panel(codec, () => 0, 1000);
  const base = new Map<number, number>();
  for (const node of [0, 1, 2]) panel.replaced(node);
  const execute = (node: number, index: number, request: string, text: string | null): void => {
    const [client = "", sequence = ""] = request.split("#");
    if (text !== null) panel.applied(node, encoder.encode(text), Uint8Array.of(0));
    const command = { client, sequence: Number(sequence), repeated: text === null };
    panel.executed(node, { log: 0, index }, command, () => base.get(node) ?? 0);
  };
  const restore = (node: number, index: number): void => {
    panel.replaced(node);
    base.set(node, index);
  };
  const read = (key: string, index: number, value: string, floor = 0, clientFloor = 0): void => {
    const operation = { ...operationOf("get", key, ""), floor, clientFloor };
    panel.seen(operation, { log: 0, index }, encoder.encode(value));
  };
  return { panel, execute, restore, read, oracle: () => panel.violation?.oracle ?? null };
}

function operationOf(kind: Operation["kind"], key: string, value: string): Operation {
  return { id: 1, client: 0, kind, key, value, session: null, floor: 0, clientFloor: 0 };
}

describe("delivered order", () => {
  it("accepts replicas that execute the same at their own pace, and no-ops between", () => {
    const { execute, oracle } = createPanel();
    execute(0, 1, "a#1", "k=1");
    execute(0, 1, "b#1", "k=2");
    execute(0, 4, "a#2", "k=3");
    for (const node of [1, 2]) {
      execute(node, 1, "a#1", "k=1");
      execute(node, 1, "b#1", "k=2");
      execute(node, 4, "a#2", "k=3");
    }
    expect(oracle()).toBeNull();
  });

  it("sees another command at the same place", () => {
    const { execute, oracle } = createPanel();
    execute(0, 1, "a#1", "k=1");
    execute(1, 1, "b#1", "k=2");
    expect(oracle()).toBe("order");
  });

  it("sees a position left out, and one where others had none", () => {
    const left = createPanel();
    left.execute(0, 1, "a#1", "k=1");
    left.execute(0, 2, "a#2", "k=2");
    left.execute(0, 3, "a#3", "k=3");
    left.execute(1, 1, "a#1", "k=1");
    left.execute(1, 3, "a#3", "k=3");
    expect(left.oracle()).toBe("order");
    const added = createPanel();
    added.execute(0, 1, "a#1", "k=1");
    added.execute(0, 3, "a#3", "k=3");
    added.execute(1, 1, "a#1", "k=1");
    added.execute(1, 2, "a#2", "k=2");
    expect(added.oracle()).toBe("order");
  });

  it("sees commands left out at the end of a position", () => {
    const { execute, oracle } = createPanel();
    execute(0, 1, "a#1", "k=1");
    execute(0, 1, "b#1", "k=2");
    execute(0, 2, "a#2", "k=3");
    execute(1, 1, "a#1", "k=1");
    execute(1, 2, "a#2", "k=3");
    expect(oracle()).toBe("order");
  });

  it("lets a restored replica go on exactly where its state ends", () => {
    const right = createPanel();
    for (const index of [1, 2, 3]) right.execute(0, index, `a#${index}`, `k=${index}`);
    right.restore(1, 2);
    right.execute(1, 3, "a#3", "k=3");
    expect(right.oracle()).toBeNull();
    const wrong = createPanel();
    for (const index of [1, 2, 3]) wrong.execute(0, index, `a#${index}`, `k=${index}`);
    wrong.restore(1, 1);
    wrong.execute(1, 3, "a#3", "k=3");
    expect(wrong.oracle()).toBe("order");
  });
});

describe("executed once", () => {
  it("sees a request at two places, and a value written under two names", () => {
    const request = createPanel();
    request.execute(0, 1, "a#1", "k=1");
    request.execute(0, 2, "a#1", "k=9");
    expect(request.oracle()).toBe("once");
    const value = createPanel();
    value.execute(0, 1, "a#1", "k=1");
    value.execute(0, 2, "a#2", "k=1");
    expect(value.oracle()).toBe("once");
  });

  it("sees a write of which a client was told that it was not applied", () => {
    const { panel, execute, oracle } = createPanel();
    panel.answers.refused(operationOf("put", "k", "1"));
    expect(oracle()).toBeNull();
    execute(0, 1, "a#1", "k=1");
    expect(oracle()).toBe("once");
  });

  it("sees other results of the same command", () => {
    const { panel, execute, oracle } = createPanel();
    execute(0, 1, "a#1", "k=1");
    panel.applied(1, encoder.encode("k=1"), Uint8Array.of(7));
    panel.executed(1, { log: 0, index: 1 }, { client: "a", sequence: 1, repeated: false }, () => 0);
    expect(oracle()).toBe("state");
  });
});

describe("answers", () => {
  it("accepts a read of any moment between its begin and its end", () => {
    const { execute, read, oracle } = createPanel();
    execute(0, 1, "a#1", "k=1");
    execute(0, 2, "a#2", "k=2");
    read("k", 1, "1");
    read("k", 2, "2", orderOf(1, 0));
    expect(oracle()).toBeNull();
  });

  it("sees a read of what was over before it began", () => {
    const { execute, read, oracle } = createPanel();
    execute(0, 1, "a#1", "k=1");
    execute(0, 2, "a#2", "k=2");
    read("k", 1, "1", orderOf(2, 0));
    expect(oracle()).toBe("read");
  });

  it("sees a read of something else than its position holds", () => {
    const { execute, read, oracle } = createPanel();
    execute(0, 1, "a#1", "k=1");
    execute(0, 2, "a#2", "k=2");
    read("k", 1, "2");
    expect(oracle()).toBe("read");
  });

  it("sees positions that decrease for one client", () => {
    const { execute, read, oracle } = createPanel();
    execute(0, 1, "a#1", "k=1");
    execute(0, 2, "b#1", "other=2");
    read("k", 1, "1", 0, 2);
    expect(oracle()).toBe("monotone");
  });

  it("sees an acknowledgement of what never took effect, or elsewhere", () => {
    const never = createPanel();
    never.panel.written(operationOf("put", "k", "1"), { log: 0, index: 3 }, false);
    expect(never.oracle()).toBe("answer");
    const elsewhere = createPanel();
    elsewhere.execute(0, 1, "a#1", "k=1");
    elsewhere.panel.written(operationOf("put", "k", "1"), { log: 0, index: 3 }, false);
    expect(elsewhere.oracle()).toBe("answer");
  });
});

describe("votes of a wiped node", () => {
  it("are accused from the wipe on", () => {
    const { panel, oracle } = createPanel();
    panel.noVote.voted(1, "");
    expect(oracle()).toBeNull();
    panel.noVote.forgot(1);
    panel.noVote.voted(2, "");
    expect(oracle()).toBeNull();
    panel.noVote.voted(1, "");
    expect(oracle()).toBe("amnesia");
  });

  it("are its right on an empty disk that a configuration has named, until that is lost", () => {
    const { panel, oracle } = createPanel();
    panel.noVote.shows(1, "old");
    panel.noVote.forgot(1);
    panel.noVote.names("new");
    panel.noVote.voted(1, "new");
    expect(oracle()).toBeNull();
    panel.noVote.shows(1, "new");
    panel.noVote.forgot(1);
    panel.noVote.voted(1, "new");
    expect(oracle()).toBe("amnesia");
  });
});
