import { type Hello, type Lane, type NodeId, type Reader, Writer } from "@synod/core";
import {
  type Checksum,
  decodeHello,
  encodeFrame,
  encodeHello,
  FRAME_HEADER_BYTES,
} from "@synod/runtime";

/** The first frame in each direction: who speaks, whom it takes the other for, and what for. */
export interface Greeting {
  readonly lane: Lane;
  /** The node that is meant to read this. */
  readonly to: NodeId;
  readonly hello: Hello;
}

/** Largest greeting. Before one is accepted, nobody gets more memory than this. */
export const GREETING_BYTES_MAX: number = 16_384;

const LANES: readonly Lane[] = ["urgent", "bulk"];

/** A hello frame: `u8 lane | u32 to | hello`. */
export function encodeGreeting(greeting: Greeting, checksum: Checksum): Uint8Array {
  const hello = encodeHello(greeting.hello, checksum).subarray(FRAME_HEADER_BYTES);
  return encodeFrame(new Writer(), "hello", checksum, (writer) => {
    writer.u8(LANES.indexOf(greeting.lane));
    writer.u32(greeting.to);
    writer.raw(hello);
  });
}

/** The body of a hello frame; null when it is none. */
export function decodeGreeting(body: Reader): Greeting | null {
  const lane = LANES[body.u8()];
  const to = body.u32();
  const hello = decodeHello(body);
  return lane === undefined || hello === null ? null : { lane, to, hello };
}

/** Two greetings of the same start of the same node: only the lane and the memories may differ. */
export function isSameStart(a: Hello, b: Hello): boolean {
  return (
    a.node === b.node &&
    a.dataId === b.dataId &&
    a.incarnation === b.incarnation &&
    a.boot === b.boot
  );
}
