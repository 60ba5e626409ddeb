/** What the seconds of a load say of something that was done meanwhile. */
export interface Course {
  /** Mean of the whole seconds before. */
  readonly before: number;
  /** The worst of them: how uneven it is when nothing is done. */
  readonly worstBefore: number;
  /** Mean of the seconds from then on until it was over. */
  readonly during: number;
  /** Of the seconds from then on. */
  readonly worst: number;
  /** How far the worst is below the mean before, in %; 0 when it is not. */
  readonly dropPercent: number;
  /** Seconds from then on with less than this part of the mean before. */
  readonly low: number;
  /** From then on until the end of the last low one; 0 when there is none. */
  readonly backToNormal: number;
}

/** Below this part of what was usual, a second is a low one. */
export const NORMAL = 0.8;

/**
 * `perSecond`: what was done in each second; the last one is not whole and does not count. `at`: in
 * seconds since the first, when it was begun to do something, and `until`, when that was over.
 * There is at least one second before.
 */
export function courseOf(perSecond: readonly number[], at: number, until: number): Course {
  const first = Math.floor(at);
  const earlier = perSecond.slice(0, first);
  const during = perSecond.slice(first, -1);
  const before = mean(earlier);
  const worst = Math.min(...during);
  const isLow = (count: number): boolean => count < NORMAL * before;
  const lastLow = during.findLastIndex(isLow);
  return {
    before,
    worstBefore: Math.min(...earlier),
    during: mean(during.slice(0, Math.ceil(until) - first)),
    worst,
    dropPercent: Math.max(0, 100 * (1 - worst / before)),
    low: during.filter(isLow).length,
    backToNormal: lastLow < 0 ? 0 : first + lastLow + 1 - at,
  };
}

function mean(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0) / counts.length;
}
