import { testCard } from "../../testing/card.ts";
import * as invariants from "./invariants.ts";
import type { MultipaxosMessage } from "./messages.ts";
import type { MultipaxosRecord } from "./records.ts";
import { arbitraryMessages } from "./testing/arbitrary.ts";

/** Complete by their types: a new kind does not compile before it stands here. */
const messageKinds = {
  probe: true,
  probed: true,
  prepare: true,
  promise: true,
  nack: true,
  accept: true,
  accepted: true,
  commit: true,
  heartbeat: true,
  heartbeatAck: true,
  catchUp: true,
  learn: true,
  behind: true,
  forward: true,
  readIndex: true,
  readAt: true,
} satisfies Record<MultipaxosMessage["kind"], true>;

const recordKinds = {
  promised: true,
  accepted: true,
  learned: true,
  chosen: true,
  stopped: true,
  impaired: true,
  faulty: true,
  meta: true,
} satisfies Record<MultipaxosRecord["kind"], true>;

testCard<MultipaxosMessage>({
  beside: import.meta.url,
  messageKinds: Object.keys(messageKinds) as MultipaxosMessage["kind"][],
  recordKinds: Object.keys(recordKinds),
  messages: arbitraryMessages,
  invariants,
  keepers: ["createHistory"],
});
