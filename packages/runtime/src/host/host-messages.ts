import { assertNever, type Reader, type Remembered, type Writer } from "@synod/core";
import { readRemembered, writeRemembered } from "../hello.ts";
import {
  decodeTransferMessage,
  encodeTransferMessage,
  type TransferMessage,
} from "../snapshots/transfer-messages.ts";

/** What hosts tell each other apart from the protocol. */
export type HostMessage =
  | { readonly kind: "known"; readonly remembers: readonly Remembered[] }
  /** Asks for `known`: that, too, may get lost. */
  | { readonly kind: "askKnown" }
  | { readonly kind: "transfer"; readonly message: TransferMessage };

export function writeHostMessage(writer: Writer, message: HostMessage): void {
  switch (message.kind) {
    case "known":
      writer.u8(0);
      return writeRemembered(writer, message.remembers);
    case "transfer":
      writer.u8(1);
      return encodeTransferMessage(writer, message.message);
    case "askKnown":
      return writer.u8(2);
    default:
      return assertNever(message);
  }
}

/** Null when the bytes are no host message. */
export function readHostMessage(body: Reader): HostMessage | null {
  switch (body.u8()) {
    case 0: {
      const remembers = readRemembered(body);
      return remembers !== null && body.complete() ? { kind: "known", remembers } : null;
    }
    case 1: {
      const message = decodeTransferMessage(body);
      return message === null ? null : { kind: "transfer", message };
    }
    case 2:
      return body.complete() ? { kind: "askKnown" } : null;
    default:
      return null;
  }
}
