import { hash64, type MachineImage, Writer } from "@synod/core";

/**
 * Enough for slices to be few; part of the hash's definition, because it decides where slices end.
 */
const SLICE_BYTES = 65_536;

/** 16 hex digits of a whole image, which is released: equal states have equal hashes. O(state). */
export function stateHash(image: MachineImage): string {
  const hashes = new Writer();
  for (let slice = image.next(SLICE_BYTES); slice !== null; slice = image.next(SLICE_BYTES))
    hashes.string(hash64(slice));
  image.release();
  return hash64(hashes.peek());
}
