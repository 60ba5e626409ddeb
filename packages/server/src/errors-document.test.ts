import { FAILURES } from "@synod/runtime";
import { expect, test } from "vitest";
import { FAILURE_STATUS, REFUSAL_STATUS } from "./problem.ts";
import { codeIn, documentTable } from "./testing/document.ts";

function rows(heading: string): readonly (readonly [string, string, string])[] {
  return documentTable("errors.md", heading).map(([code = "", status = "", meaning = ""]) => [
    codeIn(code)[0] ?? "",
    status,
    meaning,
  ]);
}

test("docs/errors.md tells every way in which a request fails, its status and its message", () => {
  const expected = Object.entries(FAILURE_STATUS).map(([code, status]) => [
    code,
    String(status),
    FAILURES[code as keyof typeof FAILURES],
  ]);
  expect(rows("Requests that fail")).toEqual(expected);
});

test("docs/errors.md tells every refusal of the HTTP layer and its status", () => {
  const expected = Object.entries(REFUSAL_STATUS).map(([code, status]) => [code, String(status)]);
  const told = rows("Requests that are refused");
  expect(told.map(([code, status]) => [code, status])).toEqual(expected);
  for (const [code, , meaning] of told) expect(meaning, code).not.toBe("");
});
