import { assertNever, type Reader, type Remembered, type Writer } from "@synod/core";
import type { Tenure } from "../configuration.ts";
import { readTenure, writeTenure } from "../configuration-codec.ts";
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
  | Configured
  | { readonly kind: "askProgress" }
  /** Index in the log; null: this node executes nothing. */
  | { readonly kind: "progress"; readonly executedUpTo: number | null }
  | { readonly kind: "transfer"; readonly message: TransferMessage };

/** Which configuration is in force here. Never said in the first one. */
export interface Configured {
  readonly kind: "configured";
  readonly tenure: Tenure;
  readonly holding: Holding;
  /** Wants to hear the same of whoever hears this. */
  readonly asks: boolean;
}

/**
 * What this node durably holds of the log through the beginning of the configuration. `nothing`:
 * nor does it need to, being without a state machine. The places here are the numbers on the wire.
 */
export const HOLDINGS = ["none", "nothing", "state"] as const;
export type Holding = (typeof HOLDINGS)[number];

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
    case "configured":
      writer.u8(3);
      writer.u8(HOLDINGS.indexOf(message.holding));
      writer.bool(message.asks);
      return writeTenure(writer, message.tenure);
    case "askProgress":
      return writer.u8(4);
    case "progress":
      writer.u8(5);
      writer.bool(message.executedUpTo !== null);
      return writer.u53(message.executedUpTo ?? 0);
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
    case 3:
      return readConfigured(body);
    case 4:
      return body.complete() ? { kind: "askProgress" } : null;
    case 5:
      return readProgress(body);
    default:
      return null;
  }
}

function readConfigured(body: Reader): Configured | null {
  const holding = HOLDINGS[body.u8()];
  const asks = body.bool();
  const tenure = readTenure(body);
  if (holding === undefined || tenure === null || !body.complete()) return null;
  return { kind: "configured", tenure, holding, asks };
}

function readProgress(body: Reader): HostMessage | null {
  const executes = body.bool();
  const index = body.u53();
  return body.complete() ? { kind: "progress", executedUpTo: executes ? index : null } : null;
}
