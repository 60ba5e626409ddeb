/** Between two lines where lines cannot be overwritten, ms. */
const LINE_MS = 5_000;
const REDRAW_MS = 200;

/**
 * Tells how long work goes: a line that is redrawn on a terminal, one line every few seconds
 * elsewhere.
 */
export interface StatusLine {
  /** Shows what `text` says, unless something was shown just now. */
  show(text: () => string): void;
  /** A line that stays, in the place of the one that is redrawn. */
  say(text: string): void;
  /** Wipes the line away, if there is one. */
  wipe(): void;
}

export function createStatusLine(
  out: NodeJS.WriteStream,
  now: () => number = () => performance.now(),
): StatusLine {
  const clear = out.isTTY ? "\r\u001b[2K" : "";
  const pause = out.isTTY ? REDRAW_MS : LINE_MS;
  let shownAt = now();
  let shown = false;
  const wipe = (): void => {
    if (shown && out.isTTY) out.write(clear);
    shown = false;
  };
  return {
    show(text) {
      if (now() - shownAt < pause) return;
      shownAt = now();
      shown = true;
      out.write(out.isTTY ? `${clear}${text()}` : `${text()}\n`);
    },
    say(text) {
      wipe();
      out.write(`${text}\n`);
    },
    wipe,
  };
}
