import type { Machine } from "@synod/core";

/** What is told about a machine under watch. */
export interface MachineWatch {
  applied(payload: Uint8Array, result: Uint8Array): void;
  /** A whole other state has been put in place. */
  restored(): void;
}

/** The machine itself, seen by oracles. */
export function watchedMachine(machine: Machine, watch: MachineWatch): Machine {
  return {
    apply: (payload, position) => {
      const result = machine.apply(payload, position);
      watch.applied(payload, result);
      return result;
    },
    query: (payload) => machine.query(payload),
    footprint: (payload) => machine.footprint(payload),
    freeze: () => machine.freeze(),
    restore: () => {
      const restore = machine.restore();
      return {
        add: (slice) => restore.add(slice),
        finish: () => {
          const whole = restore.finish();
          if (whole) watch.restored();
          return whole;
        },
      };
    },
  };
}
