/** `baseMs`, doubled `times` times, but not above `maxMs`. */
export function doubled(baseMs: number, times: number, maxMs: number): number {
  let ms = baseMs;
  for (let done = 0; done < times && ms < maxMs; done += 1) ms *= 2;
  return Math.min(ms, maxMs);
}
