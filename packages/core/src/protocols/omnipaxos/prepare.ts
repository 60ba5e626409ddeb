import type { Ballot } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";
import { worthOf } from "./claims.ts";
import type { Out } from "./messages.ts";
import { tellDurably } from "./send.ts";
import { chosenUpTo, type SequenceState } from "./state.ts";

/** Phase 1a, by a candidate to all, or by a leader to whoever comes late. */
export function prepare(
  state: SequenceState,
  out: Out,
  ballot: Ballot,
  to: readonly NodeId[],
): void {
  tellDurably(out, to, {
    kind: "prepare",
    ballot,
    ...worthOf(state),
    chosenUpTo: chosenUpTo(state),
  });
}
