import fc from "fast-check";
import { expect, test } from "vitest";
import type { Journal } from "./journal.ts";
import { dyingDisk, numbered } from "./testing/disk-bench.ts";
import { JournalBench } from "./testing/journal-bench.ts";
import { JournalModel } from "./testing/journal-model.ts";

type Action =
  | { readonly kind: "append"; readonly bytes: number }
  | { readonly kind: "checkpoint"; readonly records: number; readonly bytes: number }
  | { readonly kind: "flush" }
  | { readonly kind: "kill" }
  | { readonly kind: "close" }
  | { readonly kind: "crash"; readonly seed: number }
  /** The power goes in front of the n-th port call from now. */
  | { readonly kind: "die"; readonly calls: number; readonly seed: number };

const bytes = fc.oneof(fc.integer({ min: 4, max: 300 }), fc.integer({ min: 300, max: 6000 }));
const seed = fc.integer({ min: 1, max: 1_000_000 });

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("append" as const), bytes }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("flush" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("checkpoint" as const),
      records: fc.integer({ min: 0, max: 4 }),
      bytes,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("kill" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("close" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), seed }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("die" as const),
      calls: fc.integer({ min: 0, max: 25 }),
      seed,
    }),
  },
);

/** One directory through several lives, next to the model of what it may hold. */
class Lives {
  readonly bench: JournalBench;
  #journal: Journal;
  #model = new JournalModel();
  #next = 1;

  constructor(settings: { segmentBytes: number; preallocate: boolean }) {
    this.bench = new JournalBench(settings);
    this.#journal = this.bench.open().journal;
  }

  perform(act: Action): void {
    switch (act.kind) {
      case "append":
        return this.#append(act.bytes);
      case "checkpoint":
        return this.#checkpoint(act.records, act.bytes);
      case "flush":
        return this.#flush();
      case "kill":
        this.bench.disk.kill();
        return this.reopen();
      case "close":
        this.bench.settle((done) => this.#journal.close(done));
        this.bench.disk.kill();
        return this.reopen();
      case "crash":
        this.bench.disk.crash(act.seed);
        return this.reopen();
      case "die":
        return this.#die(act.calls, act.seed);
    }
  }

  reopen(): void {
    const { error, missing, indexes, journal } = this.bench.open();
    expect([error, missing]).toEqual([null, []]);
    expect(this.#model.problem(indexes)).toBe(null);
    this.#model = new JournalModel(indexes);
    this.#journal = journal;
  }

  #append(length: number): void {
    const index = this.#next;
    this.#next += 1;
    this.#journal.append(numbered(index, length));
    this.#model.append(index);
  }

  #checkpoint(records: number, length: number): void {
    const indexes = Array.from({ length: records }, () => this.#next++);
    this.#journal.checkpoint(indexes.map((index) => numbered(index, length)));
    this.#model.checkpoint(indexes);
  }

  #flush(): void {
    const durable = this.#model.flush();
    expect(this.bench.flush(this.#journal)).toBe(null);
    durable();
  }

  #die(calls: number, fate: number): void {
    this.bench.disk.kill();
    this.reopen();
    this.bench.disk.kill();
    const dying = dyingDisk(this.bench.disk.attach(), calls);
    this.#journal = this.bench.journal(dying.disk);
    this.#journal.recover(
      () => {},
      () => this.#writeUntilDead(dying.dead, 3),
    );
    this.bench.run();
    this.bench.disk.crash(fate);
    this.reopen();
  }

  #writeUntilDead(dead: () => boolean, rounds: number): void {
    if (dead() || rounds === 0) return;
    this.#append(100 + ((this.#next * 977) % 3000));
    if (rounds === 2) this.#checkpoint(2, 700);
    this.#append(40);
    const durable = this.#model.flush();
    this.#journal.flush((error) => {
      expect(error).toBe(null);
      durable();
      this.#writeUntilDead(dead, rounds - 1);
    });
  }
}

for (const preallocate of [true, false])
  test(`what is durable comes back, ${preallocate ? "preallocated" : "growing"}`, () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 40 }),
        fc.constantFrom(2048, 4096, 16_384),
        (actions, segmentBytes) => {
          const lives = new Lives({ segmentBytes, preallocate });
          for (const act of actions) lives.perform(act);
          lives.bench.disk.kill();
          lives.reopen();
        },
      ),
      { numRuns: 150, seed: 4711 },
    );
  });
