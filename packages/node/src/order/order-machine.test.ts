import { hash64, PAYLOAD_BYTES_MAX } from "@synod/core";
import { describe, expect, test } from "vitest";
import {
  decodeOffset,
  encodeMessage,
  OrderMachine,
  SHARED_BYTES,
  SHARED_MESSAGES,
} from "./order-machine.ts";

const NOTHING = { messages: 0, bytes: 0 };
const MUCH = { messages: 1e6, bytes: 1e9 };

function machine(kept = MUCH): OrderMachine {
  return new OrderMachine(kept, () => {});
}

function add(to: OrderMachine, sender: number, payload: Uint8Array): number {
  return decodeOffset(to.apply(encodeMessage(sender, payload)));
}

function imageOf(of: OrderMachine, bytesMax: number): Uint8Array[] {
  const image = of.freeze();
  const slices: Uint8Array[] = [];
  for (let slice = image.next(bytesMax); slice !== null; slice = image.next(bytesMax))
    slices.push(slice.slice());
  image.release();
  return slices;
}

function copyOf(of: OrderMachine, kept = MUCH): OrderMachine {
  const copy = machine(kept);
  const restore = copy.restore();
  for (const slice of imageOf(of, 1_000)) expect(restore.add(slice)).toBe(true);
  expect(restore.finish()).toBe(true);
  return copy;
}

describe("the machine of a total order", () => {
  test("numbers messages, and those of each sender", () => {
    const order = machine();
    const x = Uint8Array.of(1);
    expect([add(order, 3, x), add(order, 4, x), add(order, 3, x)]).toEqual([1, 2, 3]);
    expect(order.after(1)).toEqual({ offset: 2, sender: 4, sequence: 1, payload: x });
    expect(order.after(2)).toEqual({ offset: 3, sender: 3, sequence: 2, payload: x });
    expect(order.after(3)).toBeUndefined();
    expect(decodeOffset(order.query())).toBe(3);
  });

  test("keeps as much as it was told, and at least what all share", () => {
    const order = machine(NOTHING);
    for (let n = 1; n <= SHARED_MESSAGES + 5; n += 1) add(order, 0, Uint8Array.of(n & 255));
    expect(order.after(4)).toBeNull();
    expect(order.after(5)?.offset).toBe(6);
  });

  test("keeps no more bytes than it was told, but the latest message", () => {
    const order = machine(NOTHING);
    add(order, 0, new Uint8Array(SHARED_BYTES));
    add(order, 0, new Uint8Array(1));
    expect(order.after(0)).toBeNull();
    add(order, 0, new Uint8Array(SHARED_BYTES + 1));
    expect(order.after(1)).toBeNull();
    expect(order.after(2)?.offset).toBe(3);
  });

  test("has the same image everywhere, however much is kept and wherever it came from", () => {
    const [small, large] = [machine(NOTHING), machine()];
    for (let n = 1; n <= 1_500; n += 1)
      for (const order of [small, large]) add(order, n % 3, new Uint8Array(n));
    const copy = copyOf(large, NOTHING);
    for (let n = 1; n <= 100; n += 1)
      for (const order of [small, large, copy]) add(order, 5, new Uint8Array(7 * n));
    const hashes = (of: OrderMachine): string[] => imageOf(of, 4_096).map((slice) => hash64(slice));
    expect(hashes(small)).toEqual(hashes(large));
    expect(hashes(copy)).toEqual(hashes(large));
  });

  test("goes on counting from an image", () => {
    const order = machine();
    for (const sender of [1, 2, 1]) add(order, sender, Uint8Array.of(9));
    const copy = copyOf(order);
    expect(add(copy, 1, Uint8Array.of(8))).toBe(4);
    expect(copy.after(3)).toMatchObject({ sender: 1, sequence: 3 });
    expect(copy.after(0)).toMatchObject({ sender: 1, sequence: 1 });
  });

  test("carries the largest payload in an image", () => {
    const order = machine();
    add(order, 1, new Uint8Array(PAYLOAD_BYTES_MAX - 4));
    expect(copyOf(order).after(0)?.payload.length).toBe(PAYLOAD_BYTES_MAX - 4);
  });

  test("takes nothing that is no image, and no payload that is no message", () => {
    const order = machine();
    expect(decodeOffset(order.apply(Uint8Array.of(1)))).toBe(0);
    expect(order.last).toBe(0);
    add(order, 1, Uint8Array.of(9));
    const [slice = new Uint8Array(0)] = imageOf(order, 4_096);
    for (const bytes of [slice.subarray(1), Uint8Array.of(...slice, 0), new Uint8Array(5)]) {
      const restore = machine().restore();
      restore.add(bytes);
      expect(restore.finish()).toBe(false);
    }
    expect(machine().restore().add(new Uint8Array(8_000_000))).toBe(false);
  });
});
