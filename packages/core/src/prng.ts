/**
 * xoshiro128** (Blackman, Vigna): its four words are plain data, so they can live in a replica's
 * state.
 */
export type PrngState = [number, number, number, number];

/** Spreads one 32-bit seed over the state (splitmix32), as the authors advise. */
export function createPrng(seed: number): PrngState {
  let at = seed | 0;
  const next = (): number => {
    at = (at + 0x9e3779b9) | 0;
    let word = Math.imul(at ^ (at >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return (word ^ (word >>> 15)) >>> 0;
  };
  return [next(), next(), next(), next()];
}

/** Uniform, 32 bits, unsigned. Advances `state`. */
export function nextU32(state: PrngState): number {
  const [, second] = state;
  const product = Math.imul(second, 5);
  const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
  const shifted = second << 9;
  state[2] = (state[2] ^ state[0]) >>> 0;
  state[3] = (state[3] ^ state[1]) >>> 0;
  state[1] = (state[1] ^ state[2]) >>> 0;
  state[0] = (state[0] ^ state[3]) >>> 0;
  state[2] = (state[2] ^ shifted) >>> 0;
  state[3] = ((state[3] << 11) | (state[3] >>> 21)) >>> 0;
  return result;
}

/**
 * A whole number from 0 to `bound - 1`. The bias is below 2^-20 for bounds under 4096, and harmless
 * here.
 */
export function nextBelow(state: PrngState, bound: number): number {
  return Math.floor((nextU32(state) / 0x1_0000_0000) * bound);
}

/** Uniform in [0, 1). */
export function nextFraction(state: PrngState): number {
  return nextU32(state) / 0x1_0000_0000;
}
