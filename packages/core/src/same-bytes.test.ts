import { expect, test } from "vitest";
import { sameBytes } from "./same-bytes.ts";

test("sameBytes compares length and every byte", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  expect(sameBytes(bytes, bytes.slice())).toBe(true);
  expect(sameBytes(bytes, new Uint8Array([1, 2]))).toBe(false);
  expect(sameBytes(bytes, new Uint8Array([1, 2, 4]))).toBe(false);
  expect(sameBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true);
});
