import { expect, test } from "vitest";
import { wrapComments } from "../scripts/wrap-comments.mjs";

const words = "word ".repeat(19).trim();

test("a long line flows into the next one of the same paragraph", () => {
  const source = `/**\n * ${words} and then\n * more.\n *\n * - an item\n */\n`;
  expect(wrapComments(source)).toBe(`/**\n * ${words}\n * and then more.\n *\n * - an item\n */\n`);
});

test("a comment on one line gets three, or as many as it needs", () => {
  expect(wrapComments(`  /** ${words} end. */\nx();\n`)).toBe(
    `  /**\n   * ${words}\n   * end.\n   */\nx();\n`,
  );
});

test("line comments wrap, items keep their indent, code and text within the limit stay", () => {
  expect(wrapComments(`// ${words} end.\nx();`)).toBe(`// ${words}\n// end.\nx();`);
  expect(wrapComments(` * - ${words} end.\n * - next`)).toBe(` * - ${words}\n *   end.\n * - next`);
  const fine = `const x = "${words} end and end";\n// ${words}\n/** short */\n`;
  expect(wrapComments(fine)).toBe(fine);
});
