import { crc32, createPrng, FRAME_BYTES_MAX, nextBelow, Writer } from "@synod/core";
import { describe, expect, test } from "vitest";
import {
  encodeFrame,
  FRAME_HEADER_BYTES,
  FRAME_KINDS,
  FrameDecoder,
  type FrameKind,
  openFrame,
} from "./frames.ts";

function frameOf(kind: FrameKind, body: Uint8Array): Uint8Array {
  return encodeFrame(new Writer(), kind, crc32, (writer) => writer.raw(body));
}

function bytesOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (seed * 31 + index * 7) & 0xff);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Feeds a stream in the given chunks; copies what comes out, because chunks may be reused. */
function decode(decoder: FrameDecoder, chunks: readonly Uint8Array[]): Uint8Array[] | "dropped" {
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) {
    const lent = chunk.slice();
    const goesOn = decoder.push(lent, (frame) => {
      frames.push(frame.slice());
      return true;
    });
    lent.fill(0xee);
    if (!goesOn) return "dropped";
  }
  return frames;
}

/** What a decoder does, by one look at the whole stream. */
function naiveFrames(stream: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  let at = 0;
  while (at < stream.length) {
    const size = view.getUint32(at, true) + 4;
    frames.push(stream.slice(at, at + size));
    at += size;
  }
  return frames;
}

describe("a frame", () => {
  test.each(FRAME_KINDS)("of kind %s opens as what was put in", (kind) => {
    const body = bytesOf(100, 3);
    const frame = openFrame(frameOf(kind, body), crc32);
    expect(frame?.kind).toBe(kind);
    expect([...(frame?.body.raw(100) ?? [])]).toEqual([...body]);
    expect(frame?.body.complete()).toBe(true);
  });

  test("has a fixed layout", () => {
    const hex = Buffer.from(frameOf("message", Uint8Array.of(1, 2, 3))).toString("hex");
    expect(hex).toBe("080000004411db0404010203");
    expect(frameOf("ping", new Uint8Array(0))).toHaveLength(FRAME_HEADER_BYTES);
  });

  test("with any one bit flipped does not open", () => {
    const whole = frameOf("host", bytesOf(40, 1));
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const damaged = whole.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(openFrame(damaged, crc32), `bit ${bit}`).toBeNull();
    }
  });

  test("cut short anywhere, or followed by anything, does not open", () => {
    const whole = frameOf("host", bytesOf(40, 1));
    for (let length = 0; length < whole.length; length += 1)
      expect(openFrame(whole.subarray(0, length), crc32), `${length} bytes`).toBeNull();
    expect(openFrame(join([whole, Uint8Array.of(0)]), crc32)).toBeNull();
  });

  test("of an unknown kind does not open, though its checksum is right", () => {
    const writer = new Writer();
    writer.u32(5);
    writer.u32(crc32(Uint8Array.of(FRAME_KINDS.length)));
    writer.u8(FRAME_KINDS.length);
    expect(openFrame(writer.take(), crc32)).toBeNull();
  });
});

describe("a stream of frames", () => {
  const frames = [0, 1, 7, 300, 2].map((length) => frameOf("message", bytesOf(length, length)));
  const stream = join(frames);

  test("comes out the same wherever it is cut in two", () => {
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const out = decode(new FrameDecoder(), [stream.subarray(0, cut), stream.subarray(cut)]);
      expect(out, `cut at ${cut}`).toEqual(frames);
    }
  });

  test("comes out the same byte by byte", () => {
    expect(
      decode(
        new FrameDecoder(),
        [...stream].map((byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(frames);
  });

  test("comes out the same for random frames in random chunks", () => {
    const random = createPrng(17);
    for (let round = 0; round < 200; round += 1) {
      const parts = Array.from({ length: 1 + nextBelow(random, 6) }, (_, index) =>
        frameOf("message", bytesOf(nextBelow(random, 50), index)),
      );
      const whole = join(parts);
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < whole.length; ) {
        const size = 1 + nextBelow(random, 20);
        chunks.push(whole.subarray(at, at + size));
        at += size;
      }
      expect(decode(new FrameDecoder(), chunks)).toEqual(naiveFrames(whole));
    }
  });

  test("ends at a frame that its reader refuses, and hands out nothing after it", () => {
    const decoder = new FrameDecoder();
    let seen = 0;
    const goesOn = decoder.push(stream, () => {
      seen += 1;
      return seen < 2;
    });
    expect([goesOn, seen]).toEqual([false, 2]);
  });
});

describe("a length that lies", () => {
  const lengthOnly = (length: number): Uint8Array => {
    const writer = new Writer();
    writer.u32(length);
    return writer.take();
  };

  test.each([0, 1, 4, FRAME_BYTES_MAX - 3, 0x7fffffff, 0xffffffff])(
    "%d drops the connection at its fourth byte, however the bytes come",
    (length) => {
      expect(decode(new FrameDecoder(), [lengthOnly(length)])).toBe("dropped");
      const bytes = [...lengthOnly(length)].map((byte) => Uint8Array.of(byte));
      expect(decode(new FrameDecoder(), bytes)).toBe("dropped");
      const after = join([frameOf("ping", new Uint8Array(0)), lengthOnly(length)]);
      expect(decode(new FrameDecoder(), [after])).toBe("dropped");
    },
  );

  test("is believed up to the limit, which is inclusive", () => {
    expect(decode(new FrameDecoder(), [lengthOnly(FRAME_BYTES_MAX - 4)])).toEqual([]);
    expect(decode(new FrameDecoder(100), [lengthOnly(96)])).toEqual([]);
    expect(decode(new FrameDecoder(100), [lengthOnly(97)])).toBe("dropped");
  });

  test("within the limit yields one wrong frame, which does not open", () => {
    const first = frameOf("message", bytesOf(20, 1));
    const stream = join([first, frameOf("message", bytesOf(20, 2))]);
    stream[0] = (stream[0] as number) + 3;
    const sizes: number[] = [];
    new FrameDecoder().push(stream, (frame) => {
      sizes.push(frame.length);
      return openFrame(frame, crc32) !== null;
    });
    expect(sizes).toEqual([first.length + 3]);
  });
});

test("random bytes never throw and never open", () => {
  const random = createPrng(99);
  for (let round = 0; round < 2_000; round += 1) {
    const noise = Uint8Array.from({ length: nextBelow(random, 60) }, () => nextBelow(random, 256));
    // A small first length, so that frames do come out.
    if (noise.length > 4) noise.set([nextBelow(random, 30), 0, 0, 0]);
    new FrameDecoder().push(noise, (frame) => {
      expect(openFrame(frame, crc32)).toBeNull();
      return true;
    });
  }
});
