import type { Done } from "@synod/core";

/** One call of a port, or a few; calls back once. */
export type Step = (done: Done) => void;

/** Runs the steps one after the other; the first error ends it. */
export function inOrder(steps: readonly Step[], done: Done): void {
  runFrom(steps, 0, done);
}

function runFrom(steps: readonly Step[], at: number, done: Done): void {
  const step = steps[at];
  if (step === undefined) return done(null);
  step((error) => (error === null ? runFrom(steps, at + 1, done) : done(error)));
}
