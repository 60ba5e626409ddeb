import {
  type Command,
  type CommandKind,
  createPrng,
  EMPTY_FOOTPRINT,
  encodeUtf8,
  InvariantViolation,
  type MachineImage,
  nextBelow,
  type PrngState,
} from "@synod/core";
import { KeyValueMachine, keyValue } from "@synod/machines";
import { describe, expect, test } from "vitest";
import { type Executed, Execution } from "./execution.ts";
import type { SessionLimits } from "./sessions.ts";
import { stateHash } from "./state-hash.ts";

const LIMITS: SessionLimits = { sessionsMax: 5, sessionResultsMax: 4, expiredMax: 6 };

function command(
  client: string,
  sequence: number,
  acknowledged: number,
  payload: Uint8Array,
  kind: CommandKind = "apply",
): Command {
  return { kind, client, sequence, acknowledged, origin: 0, payload, footprint: EMPTY_FOOTPRINT };
}

function slices(image: MachineImage, bytesMax: number): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let slice = image.next(bytesMax); slice !== null; slice = image.next(bytesMax))
    all.push(slice.slice());
  image.release();
  return all;
}

function restored(image: readonly Uint8Array[], limits = LIMITS): Execution {
  const execution = new Execution(new KeyValueMachine(), limits);
  const restore = execution.restore();
  for (const slice of image) {
    const lent = slice.slice();
    expect(restore.add(lent)).toBe(true);
    lent.fill(0xee);
  }
  expect(restore.finish()).toBe(true);
  return execution;
}

function at(index: number): { log: number; index: number } {
  return { log: 0, index };
}

/**
 * A client that retries, forgets, reuses, comes back late and restarts: all that a table has to
 * bear.
 */
function randomCommand(prng: PrngState): Command {
  const sequence = 1 + nextBelow(prng, 12);
  const acknowledged = 1 + nextBelow(prng, sequence) * nextBelow(prng, 2);
  if (nextBelow(prng, 20) === 0)
    return command("~0.1", sequence, acknowledged, new Uint8Array(0), "barrier");
  const node = nextBelow(prng, 3) === 0;
  const client = node
    ? `~${nextBelow(prng, 3)}.${1 + nextBelow(prng, 4)}`
    : `client${nextBelow(prng, 12)}`;
  const key = `key${nextBelow(prng, 30)}`;
  const value = new Uint8Array(nextBelow(prng, 40)).fill(sequence);
  const payload = nextBelow(prng, 5) === 0 ? keyValue.get(key) : keyValue.put(key, value);
  return command(client, sequence, acknowledged, payload);
}

test("a command is executed once, and answered alike ever after", () => {
  const execution = new Execution(new KeyValueMachine(), LIMITS);
  const put = command("a", 1, 1, keyValue.put("k", Uint8Array.of(1)));
  const first = execution.execute(at(3), put);
  expect(first).toMatchObject({ kind: "done", position: at(3), repeated: false });
  const between = command("b", 1, 1, keyValue.delete("k"));
  execution.execute(at(4), between);
  expect(execution.execute(at(5), put)).toEqual({ ...first, repeated: true });
  expect(keyValue.result(execution.query(keyValue.get("k")))).toEqual({ kind: "absent" });
  expect(execution.executedUpTo).toEqual(at(5));
});

test("what is refused changes nothing in the machine", () => {
  const execution = new Execution(new KeyValueMachine(), LIMITS);
  const late = command("a", 9, 5, keyValue.put("k", Uint8Array.of(1)));
  expect(execution.execute(at(1), late)).toEqual({ kind: "refused", code: "session-expired" });
  expect(keyValue.result(execution.query(keyValue.get("k")))).toEqual({ kind: "absent" });
});

test("barriers and stops execute nothing, whatever they carry", () => {
  const execution = new Execution(new KeyValueMachine(), LIMITS);
  for (const [index, kind] of (["barrier", "stop"] as const).entries()) {
    const empty = command("a", 1, 1, keyValue.put("k", Uint8Array.of(1)), kind);
    expect(execution.execute(at(index + 1), empty)).toMatchObject({
      kind: "done",
      repeated: false,
    });
  }
  expect(execution.sessions).toBe(0);
  expect(keyValue.result(execution.query(keyValue.get("k")))).toEqual({ kind: "absent" });
});

test("with an order by conflict, answers and state know the positions of barriers only", () => {
  const kept: number[] = [];
  const machine = new KeyValueMachine();
  const apply = machine.apply.bind(machine);
  machine.apply = (payload: Uint8Array, ...more: readonly unknown[]) => {
    kept.push((more[0] as { index: number }).index);
    return apply(payload);
  };
  const execution = new Execution(machine, LIMITS, "conflict");
  const put = command("a", 1, 1, keyValue.put("k", Uint8Array.of(1)));
  expect(execution.execute(at(3), put)).toMatchObject({ position: at(0) });
  execution.execute(at(4), command("b", 1, 1, new Uint8Array(0), "barrier"));
  expect(execution.execute(at(5), command("b", 1, 1, keyValue.get("k")))).toMatchObject({
    position: at(4),
  });
  expect(execution.execute(at(6), put)).toMatchObject({ position: at(0), repeated: true });
  expect([execution.executedUpTo, execution.commonPosition]).toEqual([at(6), at(4)]);
  expect(kept).toEqual([0, 4]);
});

test("positions jump, and never fall back", () => {
  const execution = new Execution(new KeyValueMachine(), LIMITS);
  execution.advance(at(10));
  execution.execute(at(10), command("a", 1, 1, keyValue.get("k")));
  expect(() => execution.advance(at(9))).toThrow(InvariantViolation);
});

describe("images", () => {
  for (const bytesMax of [1, 100, 5_000]) {
    test(`in slices of ${bytesMax}: a copy answers everything as the original does`, () => {
      const prng = createPrng(bytesMax);
      for (let round = 0; round < 15; round += 1) {
        const original = new Execution(new KeyValueMachine(), LIMITS);
        const history: Command[] = [];
        for (let index = 1; index <= 200; index += 1) {
          history.push(randomCommand(prng));
          original.execute(at(index), history.at(-1)!);
        }
        const frozen = original.freeze();
        const untouched = slices(original.freeze(), bytesMax);
        const image: Uint8Array[] = [];
        const seen: [Command, Executed][] = [];
        for (let slice = frozen.next(bytesMax); slice !== null; slice = frozen.next(bytesMax)) {
          image.push(slice.slice());
          // Writes and retries between the slices must not show in them.
          const next =
            nextBelow(prng, 2) === 0 ? history[nextBelow(prng, 200)]! : randomCommand(prng);
          seen.push([next, original.execute(at(300), next)]);
        }
        frozen.release();
        expect(image).toEqual(untouched);
        const copy = restored(image);
        expect(copy.executedUpTo).toEqual(at(200));
        for (const [next, executed] of seen) expect(copy.execute(at(300), next)).toEqual(executed);
        expect(slices(copy.freeze(), bytesMax)).toEqual(slices(original.freeze(), bytesMax));
      }
    });
  }

  test("a session with many answers is cut between slices, none of which is large", () => {
    const execution = new Execution(new KeyValueMachine(), LIMITS);
    for (let sequence = 1; sequence <= 5_000; sequence += 1)
      execution.execute(at(sequence), command("~1.1", sequence, 1, keyValue.get("k")));
    const image = slices(execution.freeze(), 1_000);
    expect(Math.max(...image.map((slice) => slice.length))).toBeLessThan(1_100);
    const copy = restored(image);
    for (const sequence of [1, 2_500, 5_000])
      expect(
        copy.execute(at(9_000), command("~1.1", sequence, 1, keyValue.get("k"))),
      ).toMatchObject({
        position: at(sequence),
        repeated: true,
      });
  });

  test("limits are part of the state: a copy expires by those of the original", () => {
    const original = new Execution(new KeyValueMachine(), LIMITS);
    const opened = (execution: Execution): void => {
      for (let client = 0; client < 40; client += 1)
        execution.execute(at(100 + client), command(`n${client}`, 1, 1, keyValue.get("k")));
    };
    const copy = restored(slices(original.freeze(), 500), { ...LIMITS, sessionsMax: 30 });
    opened(original);
    opened(copy);
    expect(copy.sessions).toBe(original.sessions);
    expect(stateHash(copy.freeze())).toBe(stateHash(original.freeze()));
  });

  test("equal states have equal hashes; a difference in machine, session or position shows", () => {
    const make = (change: (execution: Execution) => void): string => {
      const execution = new Execution(new KeyValueMachine(), LIMITS);
      execution.execute(at(1), command("a", 1, 1, keyValue.put("k", Uint8Array.of(1))));
      change(execution);
      return stateHash(execution.freeze());
    };
    const base = make(() => undefined);
    expect(make(() => undefined)).toBe(base);
    const others = [
      make((execution) => execution.advance(at(2))),
      make((execution) => execution.execute(at(1), command("a", 1, 1, keyValue.get("k")))),
      make((execution) => execution.execute(at(1), command("~1.1", 1, 1, keyValue.get("x")))),
      make((execution) => execution.execute(at(1), command("a", 2, 2, keyValue.get("k")))),
      make((execution) =>
        execution.execute(at(1), command("a", 2, 1, keyValue.put("k", Uint8Array.of(2)))),
      ),
    ];
    expect(new Set([base, ...others]).size).toBe(6);
  });
});

describe("exactly once across a snapshot", () => {
  test("the client times out, another replica installs a snapshot, the retry comes to it", () => {
    const first = new Execution(new KeyValueMachine(), LIMITS);
    const create = command("client", 1, 1, keyValue.put("lock", encodeUtf8("mine")));
    const answer = first.execute(at(1), create);
    // The answer is lost. Somebody else removes the key, a barrier is chosen, a snapshot taken.
    first.execute(at(2), command("other", 1, 1, keyValue.delete("lock")));
    first.execute(at(3), command("~0.1", 1, 1, new Uint8Array(0), "barrier"));
    const second = restored(slices(first.freeze(), 64));
    expect(second.execute(at(4), create)).toEqual({ ...answer, repeated: true });
    expect(keyValue.result(second.query(keyValue.get("lock")))).toEqual({ kind: "absent" });
  });

  test("so do requests of a node that was restarted since, under its old session", () => {
    const first = new Execution(new KeyValueMachine(), LIMITS);
    first.execute(at(1), command("~1.1", 1, 1, keyValue.put("k", Uint8Array.of(1))));
    first.execute(at(2), command("~1.2", 1, 1, keyValue.put("k", Uint8Array.of(2))));
    const second = restored(slices(first.freeze(), 64));
    const late = command("~1.1", 2, 1, keyValue.put("k", Uint8Array.of(3)));
    expect(second.execute(at(3), late)).toEqual({ kind: "refused", code: "session-expired" });
    expect(second.nodeIncarnation(1)).toBe(2);
  });
});

describe("restore", () => {
  const original = (): Execution => {
    const execution = new Execution(new KeyValueMachine(), LIMITS);
    const prng = createPrng(5);
    for (let index = 1; index <= 150; index += 1) execution.execute(at(index), randomCommand(prng));
    return execution;
  };

  test("until it has succeeded there is no state to execute on, read or freeze", () => {
    const execution = original();
    const image = slices(execution.freeze(), 400);
    const restore = execution.restore();
    for (const slice of image) {
      expect(() => execution.query(keyValue.get("k"))).toThrow(InvariantViolation);
      expect(() => execution.advance(at(999))).toThrow(InvariantViolation);
      expect(() => execution.freeze()).toThrow(InvariantViolation);
      expect(restore.add(slice)).toBe(true);
    }
    expect(restore.finish()).toBe(true);
    expect(slices(execution.freeze(), 400)).toEqual(image);
  });

  test("slices that are missing, twice or out of order are refused", () => {
    const image = slices(original().freeze(), 400);
    expect(image.length).toBeGreaterThan(4);
    const attempt = (candidate: readonly Uint8Array[]): boolean => {
      const restore = new Execution(new KeyValueMachine(), LIMITS).restore();
      return candidate.every((slice) => restore.add(slice)) && restore.finish();
    };
    expect(attempt(image)).toBe(true);
    for (let index = 0; index < image.length; index += 1) {
      expect(attempt(image.toSpliced(index, 1)), `without ${index}`).toBe(false);
      expect(attempt(image.toSpliced(index, 0, image[index]!)), `${index} twice`).toBe(false);
      if (index === 0) continue;
      const swapped = image.with(index, image[index - 1]!).with(index - 1, image[index]!);
      expect(attempt(swapped), `${index - 1} and ${index} swapped`).toBe(false);
    }
  });

  test("damage is refused or gives some state, never an exception", () => {
    const image = slices(original().freeze(), 100_000);
    const prng = createPrng(8);
    for (let round = 0; round < 3_000; round += 1) {
      const which = nextBelow(prng, image.length);
      const damaged = image.with(which, image[which]!.slice());
      const place = nextBelow(prng, damaged[which]!.length);
      damaged[which]![place] = nextBelow(prng, 256);
      const restore = new Execution(new KeyValueMachine(), LIMITS).restore();
      expect(() => damaged.every((slice) => restore.add(slice)) && restore.finish()).not.toThrow();
    }
  });
});
