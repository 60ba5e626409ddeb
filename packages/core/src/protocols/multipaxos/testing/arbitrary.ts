import type { Ballot } from "@synod/core";
import fc from "fast-check";
import type { MultipaxosMessage, Reported, Run, UnknownRun } from "../messages.ts";
import type { MultipaxosRecord } from "../records.ts";

/** Random messages and records of every kind, as far as the formats can carry them. */
const MAX = Number.MAX_SAFE_INTEGER;

/** Small and huge numbers alike: fields are 53 bits wide. */
const number = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat(), fc.constant(MAX));
const value = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(0)));

const ballot: fc.Arbitrary<Ballot> = fc.record({
  round: number,
  proposer: fc.integer({ min: 0, max: 0xffff_ffff }),
});

const run: fc.Arbitrary<Run> = fc
  .tuple(number, number)
  .map(([a, b]) => ({ first: Math.max(1, Math.min(a, b)), last: Math.max(1, a, b) }));

/** Consecutive slots from `first`, at least `minLength` of them. */
function slots(minLength: number) {
  return fc
    .tuple(number, fc.array(value, { minLength, maxLength: 5 }))
    .map(([first, values]) => ({ first: Math.min(Math.max(1, first), MAX - 5), values }));
}

const promise: fc.Arbitrary<MultipaxosMessage> = fc
  .record({
    ballot,
    chosenUpTo: number,
    omittedUpTo: number,
    range: run,
    entries: fc.uniqueArray(fc.record({ slot: number, ballot, chosen: fc.boolean(), value }), {
      maxLength: 5,
      selector: (entry) => entry.slot,
    }),
    unknown: fc.array(fc.record({ run, ballot }), { maxLength: 4 }),
  })
  .map(({ range, entries, unknown, ...head }) => {
    const inside = (entry: Reported): boolean =>
      entry.slot >= range.first && entry.slot <= range.last;
    const ascending = entries.filter(inside).sort((a, b) => a.slot - b.slot);
    const runs = disjoint(unknown, range).filter(
      ({ first, last }) => !ascending.some(({ slot }) => first <= slot && slot <= last),
    );
    return { kind: "promise" as const, ...head, ...range, entries: ascending, unknown: runs };
  });

/** Those that lie in the range and above all before them, in order. */
function disjoint(
  unknown: readonly { readonly run: Run; readonly ballot: Ballot }[],
  range: Run,
): UnknownRun[] {
  const runs: UnknownRun[] = [];
  for (const { run: of, ballot: upTo } of [...unknown].sort((a, b) => a.run.first - b.run.first))
    if (of.first > (runs.at(-1)?.last ?? range.first - 1) && of.last <= range.last)
      runs.push({ ...of, ballot: upTo });
  return runs;
}

type MessageOf<K> = Extract<MultipaxosMessage, { kind: K }>;
type RecordOf<K> = Extract<MultipaxosRecord, { kind: K }>;

function kind<K extends string>(name: K): fc.Arbitrary<K> {
  return fc.constant(name);
}

/** By kind, so that a new kind does not compile before it has a generator. */
export const arbitraryMessages: {
  readonly [K in MultipaxosMessage["kind"]]: fc.Arbitrary<MessageOf<K>>;
} = {
  probe: fc.record({ kind: kind("probe"), attempt: number, chosenUpTo: number }),
  probed: fc.record({
    kind: kind("probed"),
    attempt: number,
    granted: fc.boolean(),
    promised: ballot,
    chosenUpTo: number,
  }),
  prepare: fc.record({ kind: kind("prepare"), ballot, chosenUpTo: number }),
  promise: promise as fc.Arbitrary<MessageOf<"promise">>,
  nack: fc.record({
    kind: kind("nack"),
    refused: ballot,
    promised: ballot,
    chosenUpTo: number,
  }),
  accept: fc
    .record({ kind: kind("accept"), ballot, slots: slots(1), chosenUpTo: number })
    .map(({ slots: of, ...rest }) => ({ ...rest, ...of })),
  accepted: fc.record({
    kind: kind("accepted"),
    ballot,
    runs: fc.array(run, { maxLength: 4 }),
    chosenUpTo: number,
  }),
  commit: fc.record({ kind: kind("commit"), ballot, chosenUpTo: number }),
  heartbeat: fc.record({ kind: kind("heartbeat"), ballot, round: number, chosenUpTo: number }),
  heartbeatAck: fc.record({
    kind: kind("heartbeatAck"),
    ballot,
    round: number,
    chosenUpTo: number,
  }),
  catchUp: fc.record({ kind: kind("catchUp"), first: number, last: number }),
  learn: fc
    .record({ kind: kind("learn"), slots: slots(0), chosenUpTo: number })
    .map(({ slots: of, ...rest }) => ({ ...rest, ...of })),
  behind: fc.record({ kind: kind("behind"), compactedUpTo: number, chosenUpTo: number }),
  forward: fc.record({ kind: kind("forward"), passedOn: fc.boolean(), value }),
  readIndex: fc.record({ kind: kind("readIndex"), incarnation: number, number }),
  readAt: fc.record({ kind: kind("readAt"), incarnation: number, number, index: number }),
};

export const arbitraryRecords: {
  readonly [K in MultipaxosRecord["kind"]]: fc.Arbitrary<RecordOf<K>>;
} = {
  promised: fc.record({ kind: kind("promised"), ballot }),
  accepted: fc
    .record({ kind: kind("accepted"), ballot, slots: slots(1) })
    .map(({ slots: of, ...rest }) => ({ ...rest, ...of })),
  learned: slots(1).map((of) => ({ kind: "learned" as const, ...of })),
  chosen: fc.record({ kind: kind("chosen"), chosenUpTo: number }),
  stopped: fc.record({ kind: kind("stopped"), slot: number }),
  impaired: fc.record({ kind: kind("impaired") }),
  faulty: fc.record({ run, ballot }).map(({ run: of, ballot: upTo }) => ({
    kind: "faulty" as const,
    ...of,
    ballot: upTo,
  })),
  meta: fc.record({
    kind: kind("meta"),
    promised: ballot,
    compactedUpTo: number,
    stoppedAt: number,
    impaired: fc.boolean(),
  }),
};
