/** What stands where a figure is missing: the code has changed since the last measurement. */
export const NOT_MEASURED = "not measured yet";

export function command(text: string): string {
  return `\`${text}\``;
}

/** A duration, for people. */
export function took(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return `${(seconds / 60).toFixed(seconds < 6000 ? 1 : 0)} min`;
}
