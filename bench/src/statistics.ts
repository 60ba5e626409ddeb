/** Median, smallest and largest of some runs of one case. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Of at least one number. With an even count the lower of the two in the middle: a run that was.
 */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return {
    median: at(Math.floor((sorted.length - 1) / 2)),
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** `1234 (1200–1300)`, or one number when there was one run. */
export function showSpread({ median, min, max }: Spread, digits = 0): string {
  const show = (value: number): string => value.toFixed(digits);
  return min === max ? show(median) : `${show(median)} (${show(min)}–${show(max)})`;
}
