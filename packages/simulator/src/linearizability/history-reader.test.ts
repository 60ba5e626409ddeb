import { describe, expect, test } from "vitest";
import { keyValueModel, registerModel, stringMapModel } from "./cell-model.ts";
import { checkHistory } from "./check-history.ts";
import { createHistoryReader, type RecordedHistory } from "./history-reader.ts";
import { writeHistory } from "./own-format.ts";
import { drawSmallHistory } from "./testing/random-history.ts";
import { readText } from "./testing/real-histories.ts";

/** The history in words: one text an operation. */
function tell({ operations, model }: RecordedHistory): string[] {
  return operations.map(({ process, key, input, output, call, returned }) => {
    const what = model.describe(input, output);
    return `${process}${key === "" ? "" : `@${key}`}: ${what} [${call}, ${returned ?? "open"}]`;
  });
}

/** `LINE: expected …` of the first bad line. */
function problemOf(text: string): string | null {
  const reader = createHistoryReader();
  for (const line of text.split("\n")) {
    const problem = reader.line(line);
    if (problem !== null) return `${problem.line}: ${problem.expected}`;
  }
  return null;
}

test("an empty file is an empty history", () => {
  expect(readText("\n \n").format).toBe("empty");
  expect(readText("").operations).toEqual([]);
});

test("what is none of the formats is told so in its first line", () => {
  expect(problemOf("\n# Title")).toMatch(/^2: a history: "INFO/);
  expect(problemOf("\u0000\u0001")).toMatch(/^1: a history/);
});

describe("register log", () => {
  const log = (...lines: string[]) => lines.map((line) => `INFO  jepsen.util - ${line}`).join("\n");

  test("operations are paired by process, fields are apart by spaces or tabs", () => {
    const history = readText(
      log(
        "4\t:invoke\t:read\tnil",
        "1 :invoke :write 3",
        "4   :ok :read  nil",
        "1\t:ok\t:write\t3\r",
      ),
    );
    expect([history.format, history.model]).toEqual(["register-log", registerModel]);
    expect(tell(history)).toEqual(["4: read → nothing [1, 3]", '1: write "3" [2, 4]']);
  });

  test("a failed cas did not match, a failed write was not done, a timeout tells nothing", () => {
    const history = readText(
      log(
        "1 :invoke :cas [1 2]",
        "1 :fail :cas [1 2]",
        "1 :invoke :write 5",
        "1 :fail :write 5",
        "1 :invoke :read nil",
        "1 :fail :read :timed-out",
        "1 :invoke :cas [3 4]",
        "1 :ok :cas [3 4]",
      ),
    );
    expect(tell(history)).toEqual([
      '1: cas "1" to "2" → did not match [1, 2]',
      "1: read → ? [5, open]",
      '1: cas "3" to "4" → matched [7, 8]',
    ]);
  });

  test(":info leaves the operation open, and so does the end of the file", () => {
    const history = readText(
      log(
        ":nemesis :info :start nil",
        "1 :invoke :write 1",
        "1 :info :write :timed-out",
        "2 :invoke :cas [1 2]",
        "1 :invoke :read nil",
        "1 :ok :read 1",
      ),
    );
    expect(tell(history)).toEqual([
      '1: write "1" [2, open]',
      '2: cas "1" to "2" → ? [4, open]',
      '1: read → "1" [5, 6]',
    ]);
  });

  test("a line that makes no sense is told with what would", () => {
    const begun = "1 :invoke :write 1";
    expect(problemOf(log(begun, "1 :ok"))).toMatch(/^2: INFO {2}jepsen\.util - PROCESS/);
    expect(problemOf(log("x :invoke :read nil"))).toMatch(/^1: INFO/);
    expect(problemOf(log("1 :invoke :write x"))).toBe("1: a whole number after :write");
    expect(problemOf(log("1 :invoke :cas 1"))).toBe("1: [EXPECTED NEW] after :cas");
    expect(problemOf(log("1 :invoke :read 1"))).toBe("1: nil after :invoke :read");
    expect(problemOf(log("1 :ok :read 1"))).toBe("1: :invoke of process 1 before its :ok");
    expect(problemOf(log(begun, "1 :invoke :read nil"))).toBe(
      "2: the end of the operation that process 1 began in line 1",
    );
    expect(problemOf(log(begun, "1 :ok :read nil"))).toBe(
      "2: :ok :write, as process 1 began in line 1",
    );
    const argument = "2: the argument of line 1, or a value that was read";
    expect(problemOf(log(begun, "1 :ok :write 2"))).toBe(argument);
    expect(problemOf(log("1 :invoke :read nil", "1 :ok :read x"))).toBe(argument);
    expect(problemOf(log("1 :invoke :cas [1 2]", "1 :fail :cas [2 1]"))).toBe(argument);
  });
});

describe("string map log", () => {
  const line = (process: number, type: string, f: string, key: string, value: string) =>
    `{:process ${process}, :type :${type}, :f :${f}, :key "${key}", :value ${value}}`;

  test("a get has its value where it ends", () => {
    const history = readText(
      [
        line(0, "invoke", "append", "7", '"x 0 \\"0\\" y"'),
        line(1, "invoke", "get", "7", "nil"),
        line(0, "ok", "append", "7", '"x 0 \\"0\\" y"'),
        line(1, "ok", "get", "7", '""'),
        line(1, "invoke", "put", "8", '"v"'),
      ].join("\n"),
    );
    expect([history.format, history.model]).toEqual(["string-map-log", stringMapModel]);
    expect(tell(history)).toEqual([
      '0@7: append "x 0 \\"0\\" y" [1, 3]',
      '1@7: get → "" [2, 4]',
      '1@8: put "v" [5, open]',
    ]);
  });

  test("a line that makes no sense is told with what would", () => {
    const begun = line(0, "invoke", "put", "k", '"v"');
    const expectation = "2: the end of what process 0 began in line 1";
    expect(problemOf(`${begun}\n${line(0, "ok", "put", "l", '"v"')}`)).toBe(expectation);
    expect(problemOf(`${begun}\n${line(0, "ok", "put", "k", '"w"')}`)).toBe(expectation);
    expect(problemOf(`${begun}\n${line(0, "ok", "append", "k", '"v"')}`)).toBe(expectation);
    expect(problemOf(`${begun}\n${line(0, "ok", "put", "k", '"v')}`)).toMatch(/^2: \{:process N/);
    expect(problemOf(line(0, "ok", "get", "k", '"v"'))).toMatch(/^1: :invoke of process 0/);
    expect(problemOf(line(0, "invoke", "put", "k", "nil"))).toBe("1: a text as :value of :put");
    const get = line(0, "invoke", "get", "k", "nil");
    expect(problemOf(`${get}\n${line(0, "ok", "get", "k", "nil")}`)).toBe(
      "2: a text as :value of an answered :get",
    );
    expect(problemOf(`${get}\n${get}`)).toMatch(/^2: the end of the operation that process 0/);
  });
});

describe("our own format", () => {
  const FIRST = '{"history":"synod","version":1}';
  const good = { client: 1, call: 5, return: 6, op: "get", key: "k", result: null, outcome: "ok" };

  function withLine(fields: object): string {
    return `${FIRST}\n${JSON.stringify(fields)}`;
  }

  test("each operation is a line, in any order; what was refused did not happen", () => {
    const lines = [
      { ...good, client: "b", call: 7.5, return: 9, result: "v" },
      { ...good, op: "put", value: "v", result: false },
      { ...good, op: "put", value: "w", outcome: "failed" },
      { ...good, op: "cas", expected: null, value: "u", result: true },
      { ...good, op: "append", value: "u" },
      { ...good, op: "delete", outcome: "unknown", return: 8 },
    ].map((fields) => JSON.stringify(fields));
    const history = readText([FIRST, ...lines].join("\n"));
    expect([history.format, history.model]).toEqual(["synod", keyValueModel]);
    expect(tell(history)).toEqual([
      'b@k: get → "v" [7.5, 9]',
      '1@k: put "v" → there was none [5, 6]',
      '1@k: cas nothing to "u" → matched [5, 6]',
      '1@k: append "u" [5, 6]',
      "1@k: delete [5, open]",
    ]);
  });

  test("writing and reading a history gives the same one", () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const history = drawSmallHistory(seed, keyValueModel);
      const read = readText(writeHistory(history)).operations;
      expect(read).toEqual(history);
      expect(checkHistory(read, keyValueModel)).toEqual(checkHistory(history, keyValueModel));
    }
  });

  test("a line that makes no sense is told with what would", () => {
    expect(problemOf('{"history":"synod","version":2}')).toMatch(/^1: .*"version":1\} first$/);
    expect(problemOf(JSON.stringify(good))).toMatch(/^1: .* first$/);
    expect(problemOf(`${FIRST}\n[]`)).toBe("2: one JSON object");
    expect(problemOf(`${FIRST}\n{"client":1,`)).toBe("2: one JSON object");
    const cases: readonly (readonly [object, string])[] = [
      [{ client: null }, '"client": a text or a number'],
      [{ key: 1 }, '"key": a text'],
      [{ call: "5" }, '"call": a time as a number'],
      [{ return: "6" }, '"return": a time or null'],
      [{ return: 4 }, '"return" no earlier than "call"'],
      [{ return: null }, '"return": a time, as the outcome is "ok"'],
      [{ outcome: "maybe" }, '"outcome": "ok", "failed" or "unknown"'],
      [{ op: "increment" }, '"op": "get", "put", "delete", "append" or "cas"'],
      [{ result: 1 }, '"result": the text, or null'],
      [{ op: "put" }, '"value": a text to put'],
      [{ op: "put", value: "v", result: "v" }, '"result": whether there was a value'],
      [{ op: "append", value: "v", result: true }, 'no "result" of an append'],
      [{ op: "cas", value: 1 }, '"value": a text to set'],
      [{ op: "cas", value: "v" }, '"expected": a text or null'],
      [{ op: "cas", value: "v", expected: "u" }, '"result": whether it matched'],
    ];
    for (const [fields, expected] of cases)
      expect(problemOf(withLine({ ...good, ...fields }))).toBe(`2: ${expected}`);
  });
});
