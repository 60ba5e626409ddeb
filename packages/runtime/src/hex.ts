import { invariant } from "@synod/core";

/** 32 lower-case hex digits as 16 bytes. */
export function hexToBytes(hex: string): Uint8Array {
  invariant(/^[0-9a-f]{32}$/.test(hex), `not 32 hex digits: ${hex}`);
  const bytes = new Uint8Array(16);
  for (let at = 0; at < 16; at += 1) bytes[at] = Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16);
  return bytes;
}

/** The reverse of {@link hexToBytes}. */
export function bytesToHex(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}
