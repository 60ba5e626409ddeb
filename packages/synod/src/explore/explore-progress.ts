import type { Progress } from "@synod/simulator";

/** Between two lines where lines cannot be overwritten, ms. */
const LINE_MS = 5_000;
const REDRAW_MS = 200;

export interface ExploreProgress {
  on(progress: Progress): void;
  /** Wipes the line away, if there is one. */
  end(): void;
}

/** A line that is redrawn on a terminal, and one every few seconds elsewhere. */
export function createProgress(
  out: NodeJS.WriteStream,
  now: () => number = () => performance.now(),
): ExploreProgress {
  const began = now();
  let shown = began;
  let last = { at: began, transitions: 0 };
  const clear = out.isTTY ? "\r\u001b[2K" : "";
  return {
    on(progress) {
      const at = now();
      if (at - shown < (out.isTTY ? REDRAW_MS : LINE_MS)) return;
      shown = at;
      const rate = ((progress.transitions - last.transitions) / (at - last.at)) * 1000;
      last = { at, transitions: progress.transitions };
      const { states, depth, waiting } = progress;
      const text =
        `${count(states)} states, ${count(waiting)} waiting, depth ${depth}, ` +
        `${count(Math.round(rate))} transitions/s, ${((at - began) / 1000).toFixed(0)} s`;
      out.write(out.isTTY ? `${clear}${text}` : `${text}\n`);
    },
    end() {
      if (out.isTTY && shown > began) out.write(clear);
    },
  };
}

/** Whole numbers with commas, whatever the machine's language. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
