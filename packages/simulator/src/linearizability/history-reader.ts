import type { CellHistory } from "./cell.ts";
import { type CellModel, keyValueModel, registerModel, stringMapModel } from "./cell-model.ts";
import type { LineFormat } from "./line-format.ts";
import { createOwnFormat } from "./own-format.ts";
import { createRegisterLog } from "./register-log.ts";
import { createStringMapLog } from "./string-map-log.ts";

/** Why a file is no history: always one sentence, that goes on from "expected ". */
export interface ReadProblem {
  readonly kind: "problem";
  /** From 1. */
  readonly line: number;
  readonly expected: string;
}

export interface RecordedHistory {
  readonly kind: "history";
  readonly format: "register-log" | "string-map-log" | "synod" | "empty";
  readonly model: CellModel;
  readonly operations: CellHistory;
}

export interface HistoryReader {
  line(text: string): ReadProblem | null;
  end(): RecordedHistory;
}

type Format = Exclude<RecordedHistory["format"], "empty">;

const FORMATS: Readonly<
  Record<Format, { begin: RegExp; model: CellModel; create: () => LineFormat }>
> = {
  "register-log": { begin: /^INFO[ \t]/, model: registerModel, create: createRegisterLog },
  "string-map-log": { begin: /^\{[ \t]*:/, model: stringMapModel, create: createStringMapLog },
  synod: { begin: /^\{[ \t]*"/, model: keyValueModel, create: createOwnFormat },
};

const ANY_FORMAT =
  'a history: "INFO  jepsen.util - …", "{:process …}" or {"history":"synod","version":1}';

/** Reads a history of any known format, told by its first line, one line at a time. */
export function createHistoryReader(): HistoryReader {
  let format: Format | null = null;
  let lines: LineFormat | null = null;
  let count = 0;
  return {
    line(text) {
      count += 1;
      if (text.trim() === "") return null;
      if (format === null || lines === null) {
        format = detect(text);
        if (format === null) return { kind: "problem", line: count, expected: ANY_FORMAT };
        lines = FORMATS[format].create();
      }
      const expected = lines.line(text, count);
      return expected === null ? null : { kind: "problem", line: count, expected };
    },
    end() {
      if (format === null || lines === null)
        return { kind: "history", format: "empty", model: keyValueModel, operations: [] };
      const { model } = FORMATS[format];
      return { kind: "history", format, model, operations: lines.operations() };
    },
  };
}

function detect(text: string): Format | null {
  const names = ["register-log", "string-map-log", "synod"] as const;
  return names.find((name) => FORMATS[name].begin.test(text)) ?? null;
}
