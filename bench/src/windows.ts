import { spread } from "./statistics.ts";

/** One second of a load. */
export interface Second {
  readonly done: number;
  /** Of all CPU time in it, how much the machine's host gave to others, in %. */
  readonly stolen: number;
}

/** What the seconds of a load say of something that was done meanwhile. */
export interface Course {
  /** What was asked for; else the median of the quiet seconds before, and after it was over. */
  readonly usual: number;
  /** The worst of all those seconds: how uneven it is when nothing is done. */
  readonly worstUsual: number;
  /** Median of the quiet seconds while it was done. */
  readonly during: number;
  /** How far that is below what is usual, in %; 0 when it is not. */
  readonly dropPercent: number;
  /** Of the seconds while it was done. */
  readonly worst: number;
  /**
   * Seconds in a row with less than {@link NORMAL} of what is usual, at most, while it was done.
   */
  readonly longestLow: number;
  /** Parts of the seconds that were quiet: of those before and after, and of those meanwhile. */
  readonly quiet: readonly [number, number];
}

/** Below this part of what was usual, a second is a low one. */
export const NORMAL = 0.8;
/** In a quiet second, no more than this was stolen, in %. */
export const QUIET = 3;

/**
 * The last second is not whole and does not count. `at`: in seconds since the first, when it was
 * begun to do something, and `until`, when that was over. There are whole seconds before. `asked`:
 * how much was asked for in each; null: as much as could be done.
 */
export function courseOf(
  seconds: readonly Second[],
  at: number,
  until: number,
  asked: number | null = null,
): Course {
  const whole = seconds.slice(0, -1);
  const [from, to] = [Math.floor(at), Math.ceil(until)];
  const during = whole.slice(from, to);
  const otherwise = [...whole.slice(0, from), ...whole.slice(to)];
  // Some of the seconds after make up for bad ones before.
  const usual = asked ?? medianOf(otherwise);
  const meanwhile = medianOf(during);
  return {
    usual,
    worstUsual: worstOf(otherwise),
    during: meanwhile,
    dropPercent: Math.max(0, (100 * (usual - meanwhile)) / usual),
    worst: worstOf(during),
    longestLow: longestRun(during, ({ done }) => done < NORMAL * usual),
    quiet: [partOf(otherwise, isQuiet), partOf(during, isQuiet)],
  };
}

function isQuiet({ stolen }: Second): boolean {
  return stolen <= QUIET;
}

/** Of the quiet ones, if there are any. */
function medianOf(seconds: readonly Second[]): number {
  const quiet = seconds.filter(isQuiet);
  return spread((quiet.length > 0 ? quiet : seconds).map(({ done }) => done)).median;
}

function worstOf(seconds: readonly Second[]): number {
  return Math.min(...seconds.map(({ done }) => done));
}

function partOf(seconds: readonly Second[], holds: (second: Second) => boolean): number {
  return seconds.length === 0 ? 0 : seconds.filter(holds).length / seconds.length;
}

function longestRun(seconds: readonly Second[], holds: (second: Second) => boolean): number {
  let longest = 0;
  let run = 0;
  for (const second of seconds) {
    run = holds(second) ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
