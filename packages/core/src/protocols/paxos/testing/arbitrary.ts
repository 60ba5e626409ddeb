import fc from "fast-check";
import type { Ballot } from "../../../ballot.ts";
import type { PaxosMessage, Proposal } from "../messages.ts";
import type { PaxosRecord } from "../records.ts";

const number = fc.oneof(fc.nat({ max: 3 }), fc.nat(), fc.maxSafeNat());

const ballot: fc.Arbitrary<Ballot> = fc.record({
  round: number,
  proposer: fc.oneof(fc.nat({ max: 6 }), fc.nat({ max: 0xffffffff })),
});

const value: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 40 });

const proposal: fc.Arbitrary<Proposal | null> = fc.option(fc.record({ ballot, value }));

type Kind = PaxosMessage["kind"];

type ByKind<U extends { readonly kind: string }> = {
  readonly [K in U["kind"]]: fc.Arbitrary<Extract<U, { readonly kind: K }>>;
};

/** Every kind of message with any content; complete by its type. */
export const arbitraryMessages: ByKind<PaxosMessage> = {
  prepare: fc.record({ kind: fc.constant("prepare"), ballot }),
  promise: fc.record({ kind: fc.constant("promise"), ballot, accepted: proposal }),
  nack: fc.record({ kind: fc.constant("nack"), refused: ballot, promised: ballot }),
  accept: fc.record({ kind: fc.constant("accept"), ballot, value }),
  accepted: fc.record({ kind: fc.constant("accepted"), ballot }),
  chosen: fc.record({ kind: fc.constant("chosen"), value }),
  ask: fc.record({ kind: fc.constant("ask"), incarnation: number, number }),
  told: fc.record({ kind: fc.constant("told"), incarnation: number, number, accepted: proposal }),
  forward: fc.record({ kind: fc.constant("forward"), value }),
};

export const arbitraryMessage: fc.Arbitrary<PaxosMessage> = fc.oneof(
  ...Object.values(arbitraryMessages as Record<Kind, fc.Arbitrary<PaxosMessage>>),
);

/** Every kind of record with any content; complete by its type. */
export const arbitraryRecords: ByKind<PaxosRecord> = {
  promised: fc.record({ kind: fc.constant("promised"), ballot }),
  accepted: fc.record({ kind: fc.constant("accepted"), ballot, value }),
  began: fc.record({ kind: fc.constant("began"), ballot }),
  chosen: fc.record({ kind: fc.constant("chosen"), value }),
  damaged: fc.record({ kind: fc.constant("damaged"), ballot }),
  impaired: fc.record({ kind: fc.constant("impaired") }),
};

export const arbitraryRecord: fc.Arbitrary<PaxosRecord> = fc.oneof(
  ...Object.values(arbitraryRecords as Record<PaxosRecord["kind"], fc.Arbitrary<PaxosRecord>>),
);
