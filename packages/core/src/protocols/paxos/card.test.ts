import { testCard } from "../../testing/card.ts";
import * as invariants from "./invariants.ts";
import { MESSAGE_KINDS, type PaxosMessage } from "./messages.ts";
import { arbitraryMessages, arbitraryRecords } from "./testing/arbitrary.ts";

testCard<PaxosMessage>({
  beside: import.meta.url,
  messageKinds: MESSAGE_KINDS,
  recordKinds: Object.keys(arbitraryRecords),
  messages: arbitraryMessages,
  invariants,
  keepers: ["createHistory"],
});
