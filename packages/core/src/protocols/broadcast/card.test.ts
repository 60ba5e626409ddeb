import { testCard } from "../../testing/card.ts";
import * as invariants from "./invariants.ts";
import { type BroadcastMessage, MESSAGE_KINDS } from "./messages.ts";
import { arbitraryMessages, arbitraryRecords } from "./testing/arbitrary.ts";

testCard<BroadcastMessage>({
  beside: import.meta.url,
  messageKinds: MESSAGE_KINDS,
  recordKinds: Object.keys(arbitraryRecords),
  messages: arbitraryMessages,
  invariants,
  keepers: ["createHistory", "onProposed"],
});
