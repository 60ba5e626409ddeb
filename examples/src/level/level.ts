import type { Done, PortError } from "@synod/core";
import type { ClassicLevel } from "classic-level";

/** Keys are paths, so that what belongs together stands together. */
export type Level = ClassicLevel<string, Uint8Array>;

/** A write that waits for the disk: whatever is told to others must outlive a loss of power. */
export const DURABLE = Object.freeze({ sync: true });

/** Ends behind every key that begins with a path. */
const LAST = "~";

export const encodeText = (text: string): Uint8Array => new TextEncoder().encode(text);
export const decodeText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** As many digits as the largest number has, so that keys sort as numbers do. */
export function digits(number: number): string {
  return number.toString().padStart(16, "0");
}

/** All keys below a path. */
export function below(path: string): { readonly gt: string; readonly lt: string } {
  return { gt: `${path}/`, lt: `${path}/${LAST}` };
}

/**
 * Records and chunks are kept in places, below `<path>/<place>`, and count for as long as a journal
 * or a manifest names the place. So one write begins, ends or replaces any number of them.
 */
export async function removeUnnamed(
  level: Level,
  path: string,
  isNamed: (place: string) => boolean,
): Promise<void> {
  for (let after = `${path}/`; ; ) {
    const [key] = await level.keys({ gt: after, lt: `${path}/${LAST}`, limit: 1 }).all();
    if (key === undefined) return;
    const place = key.split("/")[1] ?? "";
    if (!isNamed(place)) await level.clear(below(`${path}/${place}`));
    after = `${path}/${place}/${LAST}`;
  }
}

/** The database gives buffers, whose slices are no copies; hosts count on plain arrays. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Tells how a promise ended, never before the call has returned, and outside of the promise: what a
 * callback throws is nobody's rejection. What the database did after an error nobody knows.
 */
export function tell<T>(
  promise: Promise<T>,
  done: (error: PortError | null, value: T | null) => void,
): void {
  promise.then(
    (value) => setImmediate(done, null, value),
    (error: unknown) => setImmediate(done, { code: "io", message: `${error}` }, null),
  );
}

/** `tell` where there is nothing to give. */
export function tellDone(promise: Promise<unknown>, done: Done): void {
  tell(promise, (error) => done(error));
}
