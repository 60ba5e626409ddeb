import { createPrng, nextBelow, Reader, Writer } from "@synod/core";
import { describe, expect, test } from "vitest";
import type { Configuration, Tenure } from "./configuration.ts";
import {
  CONFIGURATION_BYTES_MAX,
  readConfiguration,
  readTenure,
  writeConfiguration,
  writeTenure,
} from "./configuration-codec.ts";

const configuration: Configuration = {
  number: 7,
  cluster: "00112233445566778899aabbccddeeff",
  members: [
    { id: 0, address: "10.0.0.1:7000", zone: "a", roles: [], dataId: "1".repeat(32) },
    { id: 9, address: "[::1]:7000", zone: "", roles: ["acceptor", "learner"] },
  ],
  quorums: null,
};

function encoded(value: Configuration): Uint8Array {
  const writer = new Writer();
  writeConfiguration(writer, value);
  return writer.take();
}

describe("a configuration", () => {
  test("comes back as it went, with its sizes of quorums and the data ids that it knows", () => {
    const flexible = { ...configuration, members: [...configuration.members] };
    const first = flexible.members[0] as Configuration["members"][number];
    flexible.members.push({ ...first, id: 10, dataId: "2".repeat(32) });
    const sizes = { ...flexible, quorums: { phase1: 3, phase2: 1 } };
    for (const value of [configuration, sizes])
      expect(readConfiguration(new Reader(encoded(value)))).toEqual(value);
  });

  test("with where it began comes back, too", () => {
    const tenure: Tenure = { configuration, began: { log: 0, index: 2 ** 40 } };
    const writer = new Writer();
    writeTenure(writer, tenure);
    expect(readTenure(new Reader(writer.take()))).toEqual(tenure);
  });

  test("that nobody could use is none", () => {
    const members = configuration.members.map((member) => ({ ...member, id: 3 }));
    const unusable: Configuration[] = [
      { ...configuration, members: [] },
      { ...configuration, members },
      { ...configuration, number: 0 },
      { ...configuration, quorums: { phase1: 1, phase2: 1 } },
    ];
    for (const value of unusable) expect(readConfiguration(new Reader(encoded(value)))).toBe(null);
  });

  test("cut short is none, and noise never throws", () => {
    const bytes = encoded(configuration);
    for (let end = 0; end < bytes.length; end += 1)
      expect(readConfiguration(new Reader(bytes.subarray(0, end)))).toBe(null);
    const prng = createPrng(5);
    for (let round = 0; round < 2_000; round += 1) {
      const noisy = bytes.slice();
      noisy[nextBelow(prng, noisy.length)] = nextBelow(prng, 256);
      const read = readConfiguration(new Reader(noisy));
      if (read !== null) expect(encoded(read).length).toBeLessThan(CONFIGURATION_BYTES_MAX);
    }
  });

  test("of the largest members fits into what is said to be enough", () => {
    const roles = Array.from({ length: 8 }, (_, at) => `${at}`.padEnd(32, "r"));
    const members = Array.from({ length: 31 }, (_, id) => {
      const role = id < 7 ? ["acceptor", ...roles.slice(1)] : roles;
      return { id, address: "a".repeat(255), zone: "z".repeat(64), roles: role };
    });
    const largest = { ...configuration, members };
    expect(encoded(largest).length).toBeLessThanOrEqual(CONFIGURATION_BYTES_MAX);
    expect(readConfiguration(new Reader(encoded(largest)))).toEqual(largest);
  });
});
