import type { Done } from "@synod/core";

/** One call of a port, or a few; calls back once. */
export type Step = (done: Done) => void;

/** Runs the steps one after the other; the first error ends it. */
export function inOrder(steps: readonly Step[], done: Done): void {
  const [first, ...rest] = steps;
  if (first === undefined) return done(null);
  first((error) => (error === null ? inOrder(rest, done) : done(error)));
}
