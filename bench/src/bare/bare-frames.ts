import type { Socket } from "node:net";
import { crc32 } from "node:zlib";

/** `u32 length | u32 crc32 | u32 batch | commands`; an answer has no commands. */
const HEAD_BYTES = 12;

export function frameOf(batch: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + body.length);
  frame.writeUInt32LE(frame.length, 0);
  frame.writeUInt32LE(batch, 8);
  frame.set(body, HEAD_BYTES);
  frame.writeUInt32LE(crc32(frame.subarray(8)), 4);
  return frame;
}

/** Calls `take` with the number and the body of each whole frame that arrives. */
export function readFrames(socket: Socket, take: (batch: number, body: Buffer) => void): void {
  let held: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on("data", (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length >= 4 && held.length >= held.readUInt32LE(0)) {
      const frame = held.subarray(0, held.readUInt32LE(0));
      held = held.subarray(frame.length);
      if (frame.readUInt32LE(4) !== crc32(frame.subarray(8))) throw new Error("a damaged frame");
      take(frame.readUInt32LE(8), frame.subarray(HEAD_BYTES));
    }
  });
}
