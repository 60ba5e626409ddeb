import { invariant, type Writer } from "@synod/core";

/**
 * Plain data as bytes, equal for equal data whatever the order of keys: for fingerprints of replica
 * states. Properties named in `without` are left out wherever they occur: what never changes, and
 * what only decides about time. Functions and class instances are refused.
 */
export function writeCanonical(
  writer: Writer,
  value: unknown,
  without: ReadonlySet<string> = NOTHING,
): void {
  switch (typeof value) {
    case "number":
      writer.u8(1);
      writeNumber(writer, value);
      return;
    case "string":
      writer.u8(2);
      writer.string(value);
      return;
    case "boolean":
      writer.u8(value ? 4 : 3);
      return;
    case "undefined":
      writer.u8(5);
      return;
    case "object":
      return writeObject(writer, value, without);
    default:
      invariant(false, `not plain data: ${typeof value}`);
  }
}

const NOTHING: ReadonlySet<string> = new Set();

function writeNumber(writer: Writer, value: number): void {
  const whole = Number.isSafeInteger(value) && value >= 0;
  writer.bool(whole);
  if (whole) writer.u53(value);
  else writer.string(String(value));
}

function writeObject(writer: Writer, value: object | null, without: ReadonlySet<string>): void {
  if (value === null) return writer.u8(6);
  if (value instanceof Uint8Array) {
    writer.u8(7);
    return writer.bytes(value);
  }
  if (Array.isArray(value)) {
    writer.u8(8);
    writer.u32(value.length);
    for (const item of value) writeCanonical(writer, item, without);
    return;
  }
  if (value instanceof Map) {
    writer.u8(9);
    writer.u32(value.size);
    for (const key of sortedKeys(value.keys())) {
      writeCanonical(writer, key, without);
      writeCanonical(writer, value.get(key), without);
    }
    return;
  }
  if (value instanceof Set) {
    writer.u8(10);
    writer.u32(value.size);
    for (const key of sortedKeys(value.keys())) writeCanonical(writer, key, without);
    return;
  }
  writer.u8(11);
  for (const key of Object.keys(value).sort()) {
    if (without.has(key)) continue;
    writer.string(key);
    writeCanonical(writer, (value as Record<string, unknown>)[key], without);
  }
  writer.u8(12);
}

function sortedKeys(keys: Iterable<unknown>): (number | string)[] {
  const sorted = [...keys] as (number | string)[];
  return sorted.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/**
 * A copy that shares nothing that may change. Byte arrays are shared, because nobody writes to
 * them; so is everything named in `shared`, and what is frozen.
 */
export function cloneData<T>(value: T, shared: ReadonlySet<string> = NOTHING): T {
  return clone(value, shared) as T;
}

function clone(value: unknown, shared: ReadonlySet<string>): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item) => clone(item, shared));
  if (value instanceof Map) {
    const copy = new Map<unknown, unknown>();
    for (const [key, item] of value) copy.set(key, clone(item, shared));
    return copy;
  }
  if (value instanceof Set) return new Set(value);
  if (Object.isFrozen(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value))
    copy[key] = shared.has(key) ? item : clone(item, shared);
  return copy;
}
