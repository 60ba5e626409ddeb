import type { SeedReport } from "@synod/simulator";
import { createStatusLine } from "../status-line.ts";

export interface Progress {
  add(report: SeedReport): void;
  /** A line that stays. */
  say(text: string): void;
  summary(): string;
}

/** Tells how a sweep goes. */
export function createProgress(
  out: NodeJS.WriteStream,
  count: number,
  now: () => number = () => performance.now(),
): Progress {
  const began = now();
  const totals = { seeds: 0, completed: 0, faults: 0, virtualMs: 0, forks: 0, failed: 0 };
  /** Completed operations of each seed. */
  const completed: number[] = [];
  const line = createStatusLine(out, now);
  const state = (): string => {
    const seconds = ((now() - began) / 1000).toFixed(0);
    const hours = (totals.virtualMs / 3_600_000).toFixed(1);
    return (
      `${totals.seeds}/${count} seeds, ${totals.failed} with a violation, ${seconds} s; ` +
      `${hours} virtual hours, ${totals.completed} operations, ` +
      `${totals.faults} faults, ${totals.forks} forks`
    );
  };
  return {
    add: (report) => {
      totals.seeds += 1;
      completed.push(report.completed);
      totals.completed += report.completed;
      totals.faults += report.faults;
      totals.virtualMs += report.virtualMs;
      totals.forks += report.forks;
      if (report.violation !== null) totals.failed += 1;
      line.show(state);
    },
    say: line.say,
    summary: () => {
      line.wipe();
      completed.sort((a, b) => a - b);
      const median = completed[completed.length >> 1] ?? 0;
      return `${state()}\noperations of a seed: at least ${completed[0] ?? 0}, median ${median}`;
    },
  };
}
