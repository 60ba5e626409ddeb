import fc from "fast-check";
import type { Ballot } from "../../../ballot.ts";
import { arbitraryMessages as arbitraryOfPaxos } from "../../paxos/testing/arbitrary.ts";
import { type BroadcastMessage, INSTANCE_KINDS, type InstanceMessage } from "../messages.ts";
import type { BroadcastRecord } from "../records.ts";

/** Random messages and records of every kind, as far as the formats can carry them. */
const number = fc.oneof(fc.nat({ max: 3 }), fc.nat(), fc.maxSafeNat());

const slot = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 ** 50 }));

const ballot: fc.Arbitrary<Ballot> = fc.record({
  round: number,
  proposer: fc.oneof(fc.nat({ max: 6 }), fc.nat({ max: 0xffffffff })),
});

const value: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 40 });

const instance: fc.Arbitrary<InstanceMessage> = fc.oneof(
  ...INSTANCE_KINDS.map((kind) => arbitraryOfPaxos[kind] as fc.Arbitrary<InstanceMessage>),
);

type ByKind<U extends { readonly kind: string }> = {
  readonly [K in U["kind"]]: fc.Arbitrary<Extract<U, { readonly kind: K }>>;
};

/** By kind, so that a new kind does not compile before it has a generator. */
export const arbitraryMessages: ByKind<BroadcastMessage> = {
  decree: fc.record({ kind: fc.constant("decree"), slot, message: instance }),
  decided: fc.record({ kind: fc.constant("decided"), slot, ballot }),
  learn: fc.record({
    kind: fc.constant("learn"),
    first: slot,
    values: fc.array(value, { maxLength: 4 }),
    decidedUpTo: number,
  }),
  behind: fc.record({ kind: fc.constant("behind"), compactedUpTo: number, decidedUpTo: number }),
  progress: fc.record({ kind: fc.constant("progress"), decidedUpTo: number, openUpTo: number }),
  offer: fc.record({ kind: fc.constant("offer"), value }),
  ask: fc.record({ kind: fc.constant("ask"), incarnation: number, number }),
  told: fc.record({ kind: fc.constant("told"), incarnation: number, number, openUpTo: number }),
};

export const arbitraryMessage: fc.Arbitrary<BroadcastMessage> = fc.oneof(
  ...Object.values(arbitraryMessages as Record<string, fc.Arbitrary<BroadcastMessage>>),
);

export const arbitraryRecords: ByKind<BroadcastRecord> = {
  promised: fc.record({ kind: fc.constant("promised"), slot, ballot }),
  accepted: fc.record({ kind: fc.constant("accepted"), slot, ballot, value }),
  began: fc.record({ kind: fc.constant("began"), slot, ballot }),
  damaged: fc.record({ kind: fc.constant("damaged"), slot, ballot }),
  decided: fc.record({ kind: fc.constant("decided"), slot, ballot }),
  learned: fc.record({ kind: fc.constant("learned"), slot, value }),
  lost: fc.record({ kind: fc.constant("lost"), slot }),
  stopped: fc.record({ kind: fc.constant("stopped"), slot }),
  impaired: fc.record({ kind: fc.constant("impaired") }),
  compacted: fc.record({ kind: fc.constant("compacted"), compactedUpTo: number }),
};

export const arbitraryRecord: fc.Arbitrary<BroadcastRecord> = fc.oneof(
  ...Object.values(arbitraryRecords as Record<string, fc.Arbitrary<BroadcastRecord>>),
);
