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

/** Closes a `switch` over a union: a forgotten kind fails to compile, a forged one throws. */
export function assertNever(value: never): never {
  throw new InvariantViolation(`unexpected variant: ${JSON.stringify(value)}`);
}
