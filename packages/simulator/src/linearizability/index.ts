export type { CellHistory, CellInput, CellOutput, CellValue } from "./cell.ts";
export { type CellModel, keyValueModel, registerModel, stringMapModel } from "./cell-model.ts";
export {
  type CheckOptions,
  type CheckProgress,
  type CheckVerdict,
  checkHistory,
} from "./check-history.ts";
export type { CounterExample } from "./counter-example.ts";
export type { History, HistoryOperation } from "./history.ts";
export {
  createHistoryReader,
  type HistoryReader,
  type ReadProblem,
  type RecordedHistory,
} from "./history-reader.ts";
export { type Automaton, EXHAUSTED, ILLEGAL, type Model } from "./model.ts";
export { HISTORY_VERSION, writeHistory } from "./own-format.ts";
export { tellCounterExample } from "./tell-counter-example.ts";
