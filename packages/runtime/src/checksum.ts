/** CRC-32 of `bytes`, going on from `previous`: zlib's, or core's where there is none. */
export type Checksum = (bytes: Uint8Array, previous?: number) => number;
