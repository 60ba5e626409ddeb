import { assertNever, decodeUtf8, invariant, utf8Length, writeUtf8 } from "@synod/core";

/**
 * Payloads and results of the key-value machine as bytes. The first byte of a payload names
 * operation and layout at once; a changed layout takes a new number, and old ones are understood
 * for ever, because they stay in journals. Layout: docs/formats/key-value.md.
 */
const OPERATION_PUT = 0x01;
const OPERATION_DELETE = 0x02;
const OPERATION_GET = 0x03;

const RESULT_WRITTEN_NEW = 0x00;
const RESULT_WRITTEN_EXISTED = 0x01;
const RESULT_ABSENT = 0x10;
const RESULT_FOUND = 0x11;
const RESULT_REFUSED = 0xff;

/** Longest key in bytes of UTF-8, and longest value in bytes. */
export const KEY_VALUE_LIMITS: { readonly keyBytesMax: number; readonly valueBytesMax: number } =
  Object.freeze({ keyBytesMax: 4_096, valueBytesMax: 1_048_576 });

/** Why the machine did nothing; the numbers on the wire are the places in this list. */
export const KEY_VALUE_REFUSALS = [
  "unknown-operation",
  "malformed",
  "key-too-long",
  "key-empty",
  "value-too-long",
] as const;

export type KeyValueRefusal = (typeof KEY_VALUE_REFUSALS)[number];

export type KeyValueOperation =
  /** The value is the payload from `valueAt` to its end. */
  | { readonly kind: "put"; readonly key: string; readonly valueAt: number }
  | { readonly kind: "delete"; readonly key: string }
  | { readonly kind: "get"; readonly key: string }
  | { readonly kind: "refused"; readonly reason: KeyValueRefusal };

export type KeyValueResult =
  /** Of put and delete: whether the key was there before. */
  | { readonly kind: "written"; readonly existed: boolean }
  /** Of get; `value` is a view on the result. */
  | { readonly kind: "found"; readonly value: Uint8Array }
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly reason: KeyValueRefusal };

/**
 * What is wrong with a key, asked before anything is proposed; null when the machine will take it.
 */
export function keyProblem(key: string): "key-empty" | "key-too-long" | "not-unicode" | null {
  if (key.length === 0) return "key-empty";
  if (!isWellFormed(key)) return "not-unicode";
  return utf8Length(key) > KEY_VALUE_LIMITS.keyBytesMax ? "key-too-long" : null;
}

/** Payload that stores a copy of `value` under `key`; the result is `written`. */
export function encodePut(key: string, value: Uint8Array): Uint8Array {
  const keyBytes = utf8Length(key);
  const payload = encodeKey(OPERATION_PUT, key, keyBytes, value.length);
  payload.set(value, 3 + keyBytes);
  return payload;
}

/** Payload that removes `key`; the result is `written`. */
export function encodeDelete(key: string): Uint8Array {
  return encodeKey(OPERATION_DELETE, key, utf8Length(key), 0);
}

/** Query for `key`; the result is `found` or `absent`. A command of this payload reads too. */
export function encodeGet(key: string): Uint8Array {
  return encodeKey(OPERATION_GET, key, utf8Length(key), 0);
}

/** Never throws: what makes no sense is `refused`, for the same reason on every replica. */
export function decodeOperation(payload: Uint8Array): KeyValueOperation {
  const operation = payload[0];
  if (operation === undefined || operation < OPERATION_PUT || operation > OPERATION_GET)
    return refused("unknown-operation");
  if (payload.length < 3) return refused("malformed");
  const keyBytes = (payload[1] as number) | ((payload[2] as number) << 8);
  const keyEnd = 3 + keyBytes;
  if (keyEnd > payload.length) return refused("malformed");
  if (keyBytes === 0) return refused("key-empty");
  if (keyBytes > KEY_VALUE_LIMITS.keyBytesMax) return refused("key-too-long");
  const key = decodeUtf8(payload, 3, keyEnd);
  if (key === null) return refused("malformed");
  if (operation === OPERATION_PUT) {
    const valueBytes = payload.length - keyEnd;
    if (valueBytes > KEY_VALUE_LIMITS.valueBytesMax) return refused("value-too-long");
    return { kind: "put", key, valueAt: keyEnd };
  }
  if (keyEnd !== payload.length) return refused("malformed");
  return operation === OPERATION_DELETE ? { kind: "delete", key } : { kind: "get", key };
}

export function encodeResult(result: KeyValueResult): Uint8Array {
  switch (result.kind) {
    case "written":
      return Uint8Array.of(result.existed ? RESULT_WRITTEN_EXISTED : RESULT_WRITTEN_NEW);
    case "absent":
      return Uint8Array.of(RESULT_ABSENT);
    case "found": {
      const bytes = new Uint8Array(1 + result.value.length);
      bytes[0] = RESULT_FOUND;
      bytes.set(result.value, 1);
      return bytes;
    }
    case "refused":
      return Uint8Array.of(RESULT_REFUSED, KEY_VALUE_REFUSALS.indexOf(result.reason));
    default:
      return assertNever(result);
  }
}

/** Null when the bytes are no result of this machine. */
export function decodeResult(bytes: Uint8Array): KeyValueResult | null {
  const kind = bytes[0];
  if (kind === RESULT_FOUND) return { kind: "found", value: bytes.subarray(1) };
  if (kind === RESULT_REFUSED && bytes.length === 2) {
    const reason = KEY_VALUE_REFUSALS[bytes[1] as number];
    return reason === undefined ? null : { kind: "refused", reason };
  }
  if (bytes.length !== 1) return null;
  if (kind === RESULT_ABSENT) return { kind: "absent" };
  if (kind === RESULT_WRITTEN_NEW) return { kind: "written", existed: false };
  return kind === RESULT_WRITTEN_EXISTED ? { kind: "written", existed: true } : null;
}

/** The codec by the words in which users think; the same functions as above. */
export const keyValue: {
  readonly put: typeof encodePut;
  readonly delete: typeof encodeDelete;
  readonly get: typeof encodeGet;
  readonly operation: typeof decodeOperation;
  readonly result: typeof decodeResult;
  readonly keyProblem: typeof keyProblem;
} = Object.freeze({
  put: encodePut,
  delete: encodeDelete,
  get: encodeGet,
  operation: decodeOperation,
  result: decodeResult,
  keyProblem,
});

function encodeKey(operation: number, key: string, keyBytes: number, more: number): Uint8Array {
  invariant(keyBytes <= 0xffff, "a key longer than its length field: ask keyProblem first");
  const payload = new Uint8Array(3 + keyBytes + more);
  payload[0] = operation;
  payload[1] = keyBytes & 0xff;
  payload[2] = keyBytes >>> 8;
  writeUtf8(payload, 3, key);
  return payload;
}

function refused(reason: KeyValueRefusal): KeyValueOperation {
  return { kind: "refused", reason };
}

/** No lone surrogates, which have no UTF-8. */
function isWellFormed(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const next = text.charCodeAt(at + 1);
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return false;
    at += 1;
  }
  return true;
}
