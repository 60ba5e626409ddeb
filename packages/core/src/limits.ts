/**
 * Hard limits of formats. Whatever is larger is refused before anything is allocated, or travels in
 * chunks.
 */

/** Largest payload of one command: a key-value write of the largest key and value fits. */
export const PAYLOAD_BYTES_MAX: number = 1_100_000;

/** Largest value that a protocol may choose in one instance: a batch of commands. */
export const VALUE_BYTES_MAX: number = 2_000_000;

/** Largest journal record. */
export const RECORD_BYTES_MAX: number = 4_000_000;

/** Largest frame on a connection, header included. */
export const FRAME_BYTES_MAX: number = 4_194_304;

/** Most members of one configuration: replicas, leaders and acceptors may be different ones. */
export const MEMBERS_MAX: number = 31;

/** Most members of one configuration that vote. */
export const VOTERS_MAX: number = 7;
