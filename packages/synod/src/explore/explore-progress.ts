import type { Progress } from "@synod/simulator";
import { createStatusLine } from "../status-line.ts";

export interface ExploreProgress {
  on(progress: Progress): void;
  /** Wipes the line away, if there is one. */
  end(): void;
}

/** Tells how an exploration goes. */
export function createProgress(
  out: NodeJS.WriteStream,
  now: () => number = () => performance.now(),
): ExploreProgress {
  const began = now();
  const line = createStatusLine(out, now);
  let last = { at: began, transitions: 0 };
  return {
    on: (progress) =>
      line.show(() => {
        const at = now();
        const rate = ((progress.transitions - last.transitions) / (at - last.at)) * 1000;
        last = { at, transitions: progress.transitions };
        const { states, depth, waiting } = progress;
        return (
          `${count(states)} states, ${count(waiting)} waiting, depth ${depth}, ` +
          `${count(Math.round(rate))} transitions/s, ${((at - began) / 1000).toFixed(0)} s`
        );
      }),
    end: line.wipe,
  };
}

/** Whole numbers with commas, whatever the machine's language. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
