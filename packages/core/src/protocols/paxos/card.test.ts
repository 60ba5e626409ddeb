import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as invariants from "./invariants.ts";
import { MESSAGE_KINDS, type PaxosMessage } from "./messages.ts";
import { arbitraryMessages, arbitraryRecords } from "./testing/arbitrary.ts";

/** The card is checked where it can be: a table that lies is worse than none. */
const card = text("./CARD.md");

function text(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}

/** The rows of the first table below `## heading`, as cells; without its head. */
function table(heading: string): string[][] {
  const section = card.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) => {
    const cells = row.split("|").slice(1, -1);
    return cells.map((cell) => cell.trim());
  });
}

/** What stands between backticks. */
function names(cell = ""): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
}

function firstNames(heading: string): (string | undefined)[] {
  return table(heading).map(([first]) => names(first)[0]);
}

describe("the card", () => {
  test("lists every message, in the order of the union, with its fields and no other", () => {
    expect(firstNames("Messages")).toEqual([...MESSAGE_KINDS]);
    for (const [first, , carries] of table("Messages")) {
      const kind = names(first)[0] as PaxosMessage["kind"];
      const [sample] = fc.sample(arbitraryMessages[kind] as fc.Arbitrary<PaxosMessage>, 1);
      const fields = Object.keys(sample ?? {}).filter((field) => field !== "kind");
      expect(names(carries).sort(), kind).toEqual(fields.sort());
    }
  });

  test("lists every record, in the order of the union", () => {
    expect(firstNames("Durable state")).toEqual(Object.keys(arbitraryRecords));
  });

  test("lists every invariant with the function that checks it", () => {
    const listed = table("Invariants").map(([name, , by]) => [names(name)[0], names(by)[0]]);
    const source = text("./invariants.ts");
    const documented = [...source.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\nexport function (\w+)/gs)];
    const claimed = documented.flatMap(([, comment = "", checker = ""]) =>
      names(comment)
        .filter((name) => name.includes("-"))
        .map((name) => [name, checker]),
    );
    expect(listed).toEqual(claimed);
    const checkers = Object.keys(invariants).filter((name) => name !== "createHistory");
    expect([...new Set(listed.map(([, checker]) => checker))].sort()).toEqual(checkers.sort());
  });

  test("lists no invariant whose checker was never seen to complain", () => {
    const tests = text("./invariants.test.ts").replace(/\s+/g, "");
    for (const name of firstNames("Invariants")) expect(tests).toContain(`complains("${name}"`);
  });

  test("names files that exist", () => {
    for (const [, file] of table("Roles"))
      for (const name of names(file)) expect(text(`./${name}`), name).not.toBe("");
  });
});
