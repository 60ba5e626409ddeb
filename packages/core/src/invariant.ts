/**
 * The only thing core throws: a broken invariant is a bug, and the host stops the replica. What can
 * go wrong without a bug (a nack, a damaged frame, an unknown client) is data, never an exception.
 */
export class InvariantViolation extends Error {
  override readonly name = "InvariantViolation";
}

/** Throws {@link InvariantViolation} with `message` unless `condition` holds. On in production. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}

/**
 * Throws unless `value` is a whole number from 0 to 2^53 - 1. A function of its own, because it is
 * asked for every field that is written: words are made only when they are needed.
 */
export function invariantU53(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvariantViolation(`not a u53: ${value}`);
}

/** Closes a `switch` over a union: a forgotten kind fails to compile, a forged one throws. */
export function assertNever(value: never): never {
  throw new InvariantViolation(`unexpected variant: ${JSON.stringify(value)}`);
}
