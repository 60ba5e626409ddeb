import type { Ballot } from "@synod/core";
import fc from "fast-check";
import type { Epoch, PmmcMessage, Pvalue } from "../messages.ts";

const u53 = fc.maxSafeNat();
const slot = fc.integer({ min: 1, max: 1_000_000 });
const value = fc.uint8Array({ maxLength: 20 });
const ballot: fc.Arbitrary<Ballot> = fc.record({ round: u53, proposer: fc.nat(0xffff) });
const members = fc
  .uniqueArray(fc.nat(9), { minLength: 1, maxLength: 7 })
  .map((ids) => ids.sort((a, b) => a - b));

const pvalue: fc.Arbitrary<Pvalue> = fc.record({ ballot, slot, epoch: fc.nat(9), value });

/** Consecutive, in ascending slots. */
const epochs: fc.Arbitrary<Epoch[]> = fc
  .tuple(
    fc.nat(9),
    fc.array(fc.record({ first: slot, leaders: members, acceptors: members }), { maxLength: 3 }),
  )
  .map(([least, list]) =>
    list
      .sort((a, b) => a.first - b.first)
      .map((epoch, index) => ({ number: least + index, ...epoch })),
  );

const kind = <K extends PmmcMessage["kind"]>(name: K): fc.Arbitrary<K> => fc.constant(name);

/** One arbitrary for each kind: a new one does not compile before it stands here. */
export const arbitraryMessages: {
  readonly [K in PmmcMessage["kind"]]: fc.Arbitrary<Extract<PmmcMessage, { kind: K }>>;
} = {
  p1a: fc.record({ kind: kind("p1a"), ballot, first: slot }),
  p1b: fc
    .record({ ballot, gcSlot: u53, pvalues: fc.uniqueArray(pvalue, { selector: (p) => p.slot }) })
    .map(({ pvalues, ...rest }) => {
      const sorted = pvalues.sort((a, b) => a.slot - b.slot);
      const last = Number.MAX_SAFE_INTEGER;
      return { kind: "p1b", first: 1, last, pvalues: sorted, ...rest } as const;
    }),
  p2a: pvalue.map((fields) => ({ kind: "p2a", ...fields }) as const),
  p2b: fc.record({ kind: kind("p2b"), commander: ballot, ballot, slot, gcSlot: u53 }),
  propose: fc.record({ kind: kind("propose"), slot, value, passedOn: fc.boolean(), epochs }),
  decision: fc.record({ kind: kind("decision"), slot, ballot, value: fc.option(value) }),
  ping: fc.record({ kind: kind("ping"), ballot }),
  pong: fc.record({ kind: kind("pong"), ballot }),
  report: fc.record({ kind: kind("report"), stableUpTo: u53, decidedUpTo: u53 }),
  ask: fc.record({ kind: kind("ask"), first: u53 }),
  decisions: fc.record({ kind: kind("decisions"), first: slot, values: fc.array(value) }),
  behind: fc.record({ kind: kind("behind"), compactedUpTo: u53 }),
  readQuery: fc.record({ kind: kind("readQuery"), incarnation: u53, number: u53 }),
  readReply: fc.record({ kind: kind("readReply"), incarnation: u53, number: u53, slot: u53 }),
  renew: fc.record({ kind: kind("renew"), ballot, round: u53 }),
  grant: fc.record({ kind: kind("grant"), ballot, round: u53 }),
};
