import type { Ballot } from "@synod/core";
import fc from "fast-check";
import type { Claim, OmniPaxosMessage } from "../messages.ts";
import type { OmniPaxosRecord } from "../records.ts";

/** Random messages and records of every kind, as far as the formats can carry them. */
const MAX = Number.MAX_SAFE_INTEGER;

/** Small and huge numbers alike: fields are 53 bits wide. */
const number = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat(), fc.constant(MAX));
const value = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(0)));

const ballot: fc.Arbitrary<Ballot> = fc.record({
  round: number,
  proposer: fc.integer({ min: 0, max: 0xffff_ffff }),
});

const claim: fc.Arbitrary<Claim> = fc.record({ acceptedIn: ballot, length: number });

type MessageOf<K> = Extract<OmniPaxosMessage, { kind: K }>;
type RecordOf<K> = Extract<OmniPaxosRecord, { kind: K }>;

/** A message or record of one kind that also holds consecutive slots, at least so many of them. */
function withSlots<T extends object>(least: number, fields: fc.Arbitrary<T>) {
  return fc
    .tuple(number, fc.array(value, { minLength: least, maxLength: 5 }), fields)
    .map(([first, values, rest]) => ({
      ...rest,
      first: Math.min(Math.max(1, first), MAX - 5),
      values,
    }));
}

function kind<K extends string>(name: K): fc.Arbitrary<K> {
  return fc.constant(name);
}

/** By kind, so that a new kind does not compile before it has a generator. */
export const arbitraryMessages: {
  readonly [K in OmniPaxosMessage["kind"]]: fc.Arbitrary<MessageOf<K>>;
} = {
  heartbeat: fc.record({ kind: kind("heartbeat"), round: number, chosenUpTo: number }),
  heartbeatReply: fc.record({
    kind: kind("heartbeatReply"),
    round: number,
    ballot,
    leader: ballot,
    happy: fc.boolean(),
    chosenUpTo: number,
  }),
  prepareRequest: fc.record({ kind: kind("prepareRequest"), ballot, chosenUpTo: number }),
  prepare: fc.record({
    kind: kind("prepare"),
    ballot,
    acceptedIn: ballot,
    length: number,
    chosenUpTo: number,
  }),
  promise: withSlots(
    0,
    fc.record({
      kind: kind("promise"),
      ballot,
      nonce: number,
      acceptedIn: ballot,
      length: number,
      chosenUpTo: number,
      lost: fc.option(claim),
    }),
  ),
  nack: fc.record({ kind: kind("nack"), refused: ballot, promised: ballot, chosenUpTo: number }),
  acceptSync: withSlots(
    0,
    fc.record({
      kind: kind("acceptSync"),
      ballot,
      nonce: number,
      previous: ballot,
      chosenUpTo: number,
    }),
  ),
  accept: withSlots(
    1,
    fc.record({ kind: kind("accept"), ballot, previous: ballot, chosenUpTo: number }),
  ),
  accepted: fc.record({ kind: kind("accepted"), ballot, length: number, chosenUpTo: number }),
  decide: fc.record({ kind: kind("decide"), ballot, chosenUpTo: number }),
  catchUp: fc.record({ kind: kind("catchUp"), first: number, last: number }),
  learn: withSlots(0, fc.record({ kind: kind("learn"), chosenUpTo: number })),
  behind: fc.record({ kind: kind("behind"), compactedUpTo: number, chosenUpTo: number }),
  forward: fc.record({ kind: kind("forward"), relayed: fc.boolean(), value }),
  confirm: fc.record({ kind: kind("confirm"), ballot, round: number }),
  confirmed: fc.record({ kind: kind("confirmed"), ballot, round: number }),
  readIndex: fc.record({
    kind: kind("readIndex"),
    incarnation: number,
    number,
    relayed: fc.boolean(),
  }),
  readAt: fc.record({ kind: kind("readAt"), incarnation: number, number, index: number }),
};

export const arbitraryRecords: {
  readonly [K in OmniPaxosRecord["kind"]]: fc.Arbitrary<RecordOf<K>>;
} = {
  promised: fc.record({ kind: kind("promised"), ballot }),
  accepted: withSlots(1, fc.record({ kind: kind("accepted"), ballot })),
  synced: withSlots(0, fc.record({ kind: kind("synced"), ballot })),
  learned: withSlots(1, fc.record({ kind: kind("learned"), contradicts: fc.boolean() })),
  chosen: fc.record({ kind: kind("chosen"), chosenUpTo: number }),
  stopped: fc.record({ kind: kind("stopped"), slot: number }),
  impaired: fc.record({ kind: kind("impaired") }),
  lost: fc.record({ kind: kind("lost"), acceptedIn: ballot, length: number }),
  meta: fc.record({
    kind: kind("meta"),
    promised: ballot,
    acceptedIn: ballot,
    compactedUpTo: number,
    stoppedAt: number,
    impaired: fc.boolean(),
  }),
};
