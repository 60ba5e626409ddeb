import type { Reader, Remembered, Writer } from "@synod/core";
import { readRemembered, writeRemembered } from "../hello.ts";
import {
  decodeTransferMessage,
  encodeTransferMessage,
  type TransferMessage,
} from "../snapshots/transfer-messages.ts";

/** What hosts tell each other apart from the protocol. */
export type HostMessage =
  | { readonly kind: "known"; readonly remembers: readonly Remembered[] }
  | { readonly kind: "transfer"; readonly message: TransferMessage };

export function writeHostMessage(writer: Writer, message: HostMessage): void {
  if (message.kind === "known") {
    writer.u8(0);
    writeRemembered(writer, message.remembers);
    return;
  }
  writer.u8(1);
  encodeTransferMessage(writer, message.message);
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
    default:
      return null;
  }
}
