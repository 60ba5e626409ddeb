import { scramble } from "@synod/core";
import type { Fingerprint } from "./visited-set.ts";

const LANES = 4;
const SALTS = [0x243f6a88, 0x13198a2e, 0x2ab7e151, 0x62f2a4c7] as const;

/** Random words that stand for the members 0 … `count`-1 of a set (Zobrist): xor them together. */
export function zobristWords(count: number, salt: number): Int32Array {
  const words = new Int32Array(count * LANES);
  for (let at = 0; at < words.length; at += 1)
    words[at] = scramble(scramble(at + salt * 0x9e3779b9) ^ (SALTS[at % LANES] as number));
  return words;
}

/** Adds member `index` to the set that `print` stands for, or takes it away again. */
export function toggle(print: Fingerprint, words: Int32Array, index: number): void {
  const at = index * LANES;
  print[0] = (print[0] as number) ^ (words[at] as number);
  print[1] = (print[1] as number) ^ (words[at + 1] as number);
  print[2] = (print[2] as number) ^ (words[at + 2] as number);
  print[3] = (print[3] as number) ^ (words[at + 3] as number);
}

/** The fingerprint of a set together with a state, into `into`. */
export function combine(print: Fingerprint, state: number, into: Fingerprint): void {
  into[0] = (print[0] as number) ^ scramble(state + SALTS[0]);
  into[1] = (print[1] as number) ^ scramble((state ^ SALTS[1]) + 1);
  into[2] = (print[2] as number) ^ scramble(state * 3 + SALTS[2]);
  into[3] = (print[3] as number) ^ scramble((state ^ SALTS[3]) - 1);
}
