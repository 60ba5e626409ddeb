import { pino } from "pino";
import { expect, it } from "vitest";
import { eventLog } from "./event-log.ts";

it("warns of what an operator should see, once per peer and wording", () => {
  const lines: { level: number; msg: string; peer?: number }[] = [];
  const logger = pino(
    { level: "info" },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  const observe = eventLog(logger);
  for (let times = 0; times < 3; times += 1) {
    observe("link refused", { peer: 1, reason: "old copy" });
    observe("link refused", { peer: 2, reason: "old copy" });
    observe("elected", { round: times });
  }
  observe("link refused", { peer: 1, reason: "another version" });
  expect(lines.map(({ msg, peer }) => `${msg} ${peer}`)).toEqual([
    "link refused 1",
    "link refused 2",
    "link refused 1",
  ]);
});
