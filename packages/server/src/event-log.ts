import type { Observe } from "@synod/node";
import type { Logger } from "pino";

/** Events that an operator should see without asking for them. */
const WARNINGS: ReadonlySet<string> = new Set(["link refused", "disk full", "disowned"]);

/** Logs what a host observes; what repeats itself word by word, like refusals, is logged once. */
export function eventLog(logger: Logger): Observe {
  const last = new Map<string, string>();
  return (event, detail) => {
    if (!WARNINGS.has(event)) return logger.debug(detail, event);
    const subject = `${event} ${String(detail["peer"] ?? "")}`;
    const words = JSON.stringify(detail);
    if (last.get(subject) === words) return;
    last.set(subject, words);
    logger.warn(detail, event);
  };
}
