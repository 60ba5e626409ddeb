import type { MachineImage, MachineRestore } from "@synod/core";

/** The image of a state so small that its bytes are made at once. */
export function smallImage(bytes: Uint8Array): MachineImage {
  let at = 0;
  let rest: Uint8Array | null = bytes;
  return {
    next(bytesMax) {
      if (rest === null || at === rest.length) return null;
      const slice = rest.subarray(at, at + bytesMax);
      at += slice.length;
      return slice;
    },
    release() {
      rest = null;
    },
  };
}

/** Gathers such an image, of at most `bytesMax`, and hands it to `install`, which may refuse it. */
export function smallRestore(
  bytesMax: number,
  install: (bytes: Uint8Array) => boolean,
): MachineRestore {
  const slices: Uint8Array[] = [];
  let length = 0;
  return {
    add(slice) {
      length += slice.length;
      if (length > bytesMax) return false;
      slices.push(slice.slice());
      return true;
    },
    finish: () => install(new Uint8Array(Buffer.concat(slices))),
  };
}
