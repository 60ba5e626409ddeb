/** Wraps a callback so that whatever it throws ends the host instead of leaving it half-applied. */
export type Guard = <A extends unknown[]>(callback: (...args: A) => void) => (...args: A) => void;

/** `onThrow` gets what was thrown, in words. Once `isStopped` says so, callbacks do nothing. */
export function createGuard(isStopped: () => boolean, onThrow: (reason: string) => void): Guard {
  return (callback) =>
    (...args) => {
      if (isStopped()) return;
      try {
        callback(...args);
      } catch (error) {
        onThrow(error instanceof Error ? (error.stack ?? error.message) : `${error}`);
      }
    };
}
