import { randomFillSync } from "node:crypto";
import type { Random } from "@synod/core";

/** Numbers drawn at once: the operating system is asked once for all of them. */
const BATCH = 256;

/** Random numbers of the operating system. */
export function createRandom(): Random {
  const batch = new Uint32Array(BATCH);
  let used = BATCH;
  return {
    next() {
      if (used === BATCH) {
        randomFillSync(batch);
        used = 0;
      }
      const value = batch[used] as number;
      used += 1;
      return value;
    },
  };
}
