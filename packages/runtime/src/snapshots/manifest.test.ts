import { crc32, createPrng, nextBelow, Writer } from "@synod/core";
import { describe, expect, test } from "vitest";
import {
  CHUNK_BYTES_MAX,
  decodeManifest,
  describeChunk,
  encodeManifest,
  isChunk,
  PROTOCOL_IMAGE_BYTES_MAX,
} from "./manifest.ts";

function chunksOf(...lengths: number[]) {
  let offset = 0;
  return lengths.map((length, index) => {
    const chunk = describeChunk(new Uint8Array(length).fill(index), offset, crc32);
    offset += length;
    return chunk;
  });
}

const SMALL = {
  position: { log: 0, index: 77 },
  image: Uint8Array.of(1, 2, 3),
  tenure: null,
  chunks: chunksOf(10, 1, 500),
};

/** With a checksum that fits, so that what is behind it is tested. */
function sealed(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  writer.u32(crc32(writer.peek()));
  return writer.take();
}

interface Fields {
  magic: number;
  version: number;
  index: number;
  image: Uint8Array;
  lengths: number[];
  count: number;
}

function fields(change: Partial<Fields>): Uint8Array {
  const all = { magic: 0x534e5953, version: 1, index: 5, image: new Uint8Array(2), lengths: [9] };
  const { magic, version, index, image, lengths } = { ...all, ...change };
  return sealed((writer) => {
    writer.u32(magic);
    writer.u16(version);
    writer.u32(0);
    writer.u53(index);
    writer.bytes(image);
    writer.u32(change.count ?? lengths.length);
    for (const length of lengths) {
      writer.u32(length);
      for (let word = 0; word < 3; word += 1) writer.u32(word);
    }
  });
}

describe("manifest", () => {
  test("comes back as it went, with offsets, total and a digest of its content", () => {
    const bytes = encodeManifest(SMALL, crc32);
    const manifest = decodeManifest(bytes, crc32)!;
    expect(manifest).toMatchObject(SMALL);
    expect(manifest.chunks.map((chunk) => chunk.offset)).toEqual([0, 10, 11]);
    expect(manifest.totalBytes).toBe(511);
    expect(encodeManifest(manifest, crc32)).toEqual(bytes);
    const other = encodeManifest({ ...SMALL, chunks: chunksOf(10, 1, 499) }, crc32);
    expect(decodeManifest(other, crc32)!.digest).not.toBe(manifest.digest);
  });

  test("does not keep the bytes that it was read from", () => {
    const bytes = encodeManifest(SMALL, crc32);
    const manifest = decodeManifest(bytes, crc32)!;
    bytes.fill(0xee);
    expect(manifest.image).toEqual(Uint8Array.of(1, 2, 3));
  });

  test("any changed, missing or additional byte is noticed", () => {
    const bytes = encodeManifest(SMALL, crc32);
    for (let at = 0; at < bytes.length; at += 1) {
      for (const flip of [1, 0x80]) {
        const damaged = bytes.slice();
        damaged[at]! ^= flip;
        expect(decodeManifest(damaged, crc32)).toBeNull();
      }
      expect(decodeManifest(bytes.subarray(0, at), crc32)).toBeNull();
    }
    expect(decodeManifest(Uint8Array.from([...bytes, 0]), crc32)).toBeNull();
  });

  const cases: [string, Partial<Fields>, boolean][] = [
    ["ordinary fields", {}, true],
    ["another magic number", { magic: 1 }, false],
    ["a later version", { version: 2 }, false],
    ["position 0", { index: 0 }, false],
    ["no chunks", { lengths: [] }, false],
    ["an empty chunk", { lengths: [5, 0] }, false],
    ["the largest chunk", { lengths: [CHUNK_BYTES_MAX] }, true],
    ["a larger chunk", { lengths: [CHUNK_BYTES_MAX + 1] }, false],
    ["more chunks than it says", { lengths: [5, 6], count: 1 }, false],
    ["fewer chunks than it says", { lengths: [5, 6], count: 3 }, false],
    ["a count beyond reason", { count: 0xffffffff }, false],
    ["the largest image", { image: new Uint8Array(PROTOCOL_IMAGE_BYTES_MAX) }, true],
    ["a larger image", { image: new Uint8Array(PROTOCOL_IMAGE_BYTES_MAX + 1) }, false],
    ["65,536 chunks", { lengths: new Array(65_536).fill(1) }, true],
    ["65,537 chunks", { lengths: new Array(65_537).fill(1) }, false],
  ];
  for (const [what, change, valid] of cases) {
    test(`${what}: ${valid ? "taken" : "refused"}`, () => {
      expect(decodeManifest(fields(change), crc32) !== null).toBe(valid);
    });
  }

  test("sealed noise gives null, never an exception", () => {
    const prng = createPrng(6);
    for (let round = 0; round < 1_000; round += 1) {
      const bytes = fields({}).subarray(0, -4);
      const noise = bytes.slice(0, nextBelow(prng, bytes.length + 1));
      for (let hits = 0; hits < 3 && noise.length > 0; hits += 1)
        noise[nextBelow(prng, noise.length)] = nextBelow(prng, 256);
      expect(() =>
        decodeManifest(
          sealed((writer) => writer.raw(noise)),
          crc32,
        ),
      ).not.toThrow();
    }
  });
});

test("a chunk is known by length, checksum and hash, each for itself", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  const chunk = describeChunk(bytes, 0, crc32);
  expect(isChunk(chunk, bytes, crc32)).toBe(true);
  expect(isChunk(chunk, Uint8Array.of(1, 2, 3, 5), crc32)).toBe(false);
  expect(isChunk({ ...chunk, crc: chunk.crc ^ 1 }, bytes, crc32)).toBe(false);
  expect(isChunk({ ...chunk, hash: "0".repeat(16) }, bytes, crc32)).toBe(false);
  expect(isChunk({ ...chunk, length: 5 }, bytes, crc32)).toBe(false);
});
