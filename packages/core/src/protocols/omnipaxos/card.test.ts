import { testCard } from "../../testing/card.ts";
import * as invariants from "./invariants.ts";
import type { OmniPaxosMessage } from "./messages.ts";
import type { OmniPaxosRecord } from "./records.ts";
import { arbitraryMessages } from "./testing/arbitrary.ts";

/** Complete by their types: a new kind does not compile before it stands here. */
const messageKinds = {
  heartbeat: true,
  heartbeatReply: true,
  prepareRequest: true,
  prepare: true,
  promise: true,
  nack: true,
  acceptSync: true,
  accept: true,
  accepted: true,
  decide: true,
  catchUp: true,
  learn: true,
  behind: true,
  forward: true,
  confirm: true,
  confirmed: true,
  readIndex: true,
  readAt: true,
} satisfies Record<OmniPaxosMessage["kind"], true>;

const recordKinds = {
  promised: true,
  accepted: true,
  synced: true,
  learned: true,
  chosen: true,
  stopped: true,
  impaired: true,
  lost: true,
  meta: true,
} satisfies Record<OmniPaxosRecord["kind"], true>;

testCard<OmniPaxosMessage>({
  beside: import.meta.url,
  messageKinds: Object.keys(messageKinds) as OmniPaxosMessage["kind"][],
  recordKinds: Object.keys(recordKinds),
  messages: arbitraryMessages,
  invariants,
  keepers: ["createHistory"],
});
