import type { Machine } from "@synod/core";

/**
 * The state machine of the demonstration: one 32-bit number that commands add to, subtract from or
 * multiply. It starts at 0; commands, results and its image are text.
 */
export function createCalculator(): Machine & { readonly value: () => number } {
  let state = 0;
  return {
    value: () => state,
    apply: (payload) => {
      state = calculate(state, decoder.decode(payload));
      return encoder.encode(String(state));
    },
    query: () => encoder.encode(String(state)),
    footprint: () => ({ reads: [], writes: ["state"] }),
    freeze: () => {
      let left: Uint8Array | null = encoder.encode(String(state));
      return {
        next: () => {
          const slice = left;
          left = null;
          return slice;
        },
        release: () => {},
      };
    },
    restore: () => {
      let text = "";
      return {
        add: (slice) => {
          text += decoder.decode(slice);
          return true;
        },
        finish: () => {
          state = Number(text) | 0;
          return /^-?\d+$/.test(text);
        },
      };
    },
  };
}

/** What a client sends as its `id`-th command, like the original: by the rest of `id` by 4. */
export function commandText(id: number): string {
  if (id % 4 === 1) return "Subtract 1";
  return id % 4 === 2 ? "Multiply 2" : "Add 1";
}

/** A text that is no command changes nothing, the same on every replica. */
function calculate(state: number, text: string): number {
  const [, name, digits] = /^(Add|Subtract|Multiply) (\d{1,9})$/.exec(text) ?? [];
  const operand = Number(digits ?? 0);
  if (name === "Add") return (state + operand) | 0;
  if (name === "Subtract") return (state - operand) | 0;
  return name === "Multiply" ? Math.imul(state, operand) : state;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
