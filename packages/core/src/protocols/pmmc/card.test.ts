import { testCard } from "../../testing/card.ts";
import * as invariants from "./invariants.ts";
import type { PmmcMessage } from "./messages.ts";
import type { PmmcRecord } from "./records.ts";
import { arbitraryMessages } from "./testing/arbitrary.ts";

/** Complete by their types: a new kind does not compile before it stands here. */
const messageKinds = {
  p1a: true,
  p1b: true,
  p2a: true,
  p2b: true,
  propose: true,
  decision: true,
  ping: true,
  pong: true,
  report: true,
  ask: true,
  decisions: true,
  behind: true,
  readQuery: true,
  readReply: true,
  renew: true,
  grant: true,
} satisfies Record<PmmcMessage["kind"], true>;

const recordKinds = {
  ballot: true,
  adopted: true,
  accepted: true,
  learned: true,
  decided: true,
  impaired: true,
  meta: true,
} satisfies Record<PmmcRecord["kind"], true>;

testCard<PmmcMessage>({
  beside: import.meta.url,
  messageKinds: Object.keys(messageKinds) as PmmcMessage["kind"][],
  recordKinds: Object.keys(recordKinds),
  messages: arbitraryMessages,
  invariants,
  keepers: ["createHistory"],
});
