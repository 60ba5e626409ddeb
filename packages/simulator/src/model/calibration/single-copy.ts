import type { Actor } from "./actors.ts";
import { BLANK } from "./register-history.ts";

/** One copy, one server: linearizable for as long as there is only one of it. */
export function singleCopyServer(): Actor<string> {
  return {
    start: () => ({ state: BLANK, sends: [] }),
    receive(_id, state, from, message) {
      if (message.kind === "put") {
        const { request, value } = message;
        return { state: value, sends: [[from, { kind: "putOk", request }]] };
      }
      if (message.kind !== "get") return null;
      const { request } = message;
      return { state: null, sends: [[from, { kind: "getOk", request, value: state }]] };
    },
  };
}
