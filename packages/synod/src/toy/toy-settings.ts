import type { ToyFailures } from "./toy-rate.ts";

export interface ToySettings extends ToyFailures {
  /** Failures are silence and time-outs; otherwise who is down answers that it has failed. */
  readonly silent: boolean;
  /** What is proposed; with several proposers the number of each is added. Null: an emoji each. */
  readonly value: string | null;
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** Any text is a value, the empty one too. */
export function toValue(text: string): Uint8Array {
  return ENCODER.encode(text);
}

export function showValue(value: Uint8Array): string {
  return DECODER.decode(value);
}
