import type { SeedReport } from "@synod/simulator";

/** Between two lines where lines cannot be overwritten, ms. */
const LINE_MS = 5_000;
const REDRAW_MS = 200;

export interface Progress {
  add(report: SeedReport): void;
  /** A line that stays. */
  say(text: string): void;
  summary(): string;
}

/**
 * Tells how a sweep goes: a line that is redrawn on a terminal, one line every few seconds
 * elsewhere.
 */
export function createProgress(
  out: NodeJS.WriteStream,
  count: number,
  now: () => number = () => performance.now(),
): Progress {
  const began = now();
  const totals = { seeds: 0, completed: 0, faults: 0, virtualMs: 0, forks: 0, failed: 0 };
  /** Completed operations of each seed. */
  const completed: number[] = [];
  let shown = began;
  const state = (): string => {
    const seconds = ((now() - began) / 1000).toFixed(0);
    const hours = (totals.virtualMs / 3_600_000).toFixed(1);
    return (
      `${totals.seeds}/${count} seeds, ${totals.failed} with a violation, ${seconds} s; ` +
      `${hours} virtual hours, ${totals.completed} operations, ` +
      `${totals.faults} faults, ${totals.forks} forks`
    );
  };
  const clear = out.isTTY ? "\r\u001b[2K" : "";
  return {
    add: (report) => {
      totals.seeds += 1;
      completed.push(report.completed);
      totals.completed += report.completed;
      totals.faults += report.faults;
      totals.virtualMs += report.virtualMs;
      totals.forks += report.forks;
      if (report.violation !== null) totals.failed += 1;
      if (now() - shown < (out.isTTY ? REDRAW_MS : LINE_MS)) return;
      shown = now();
      out.write(out.isTTY ? `${clear}${state()}` : `${state()}\n`);
    },
    say: (text) => {
      out.write(`${clear}${text}\n`);
    },
    summary: () => {
      if (out.isTTY) out.write(clear);
      completed.sort((a, b) => a - b);
      const median = completed[completed.length >> 1] ?? 0;
      return `${state()}\noperations of a seed: at least ${completed[0] ?? 0}, median ${median}`;
    },
  };
}
