/** What the seconds of a load say of something that was done meanwhile. */
export interface Course {
  /** Mean of the whole seconds before. */
  readonly before: number;
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
 * seconds since the first, when it was begun to do something. There is at least one second before
 * that.
 */
export function courseOf(perSecond: readonly number[], at: number): Course {
  const first = Math.floor(at);
  const earlier = perSecond.slice(0, first);
  const during = perSecond.slice(first, -1);
  const before = earlier.reduce((sum, count) => sum + count, 0) / earlier.length;
  const worst = Math.min(...during);
  const isLow = (count: number): boolean => count < NORMAL * before;
  const lastLow = during.findLastIndex(isLow);
  return {
    before,
    worst,
    dropPercent: Math.max(0, 100 * (1 - worst / before)),
    low: during.filter(isLow).length,
    backToNormal: lastLow < 0 ? 0 : first + lastLow + 1 - at,
  };
}
