/** Wakes all who wait for something to change. One promise for all of them, made when asked for. */
export class Signal {
  #raised: Promise<void> | null = null;
  #wake: () => void = () => {};

  raise(): void {
    this.#raised = null;
    this.#wake();
  }

  /** Fulfilled when `raise` is called next, or `signal` aborted. */
  async raised(signal?: AbortSignal): Promise<void> {
    this.#raised ??= new Promise((resolve) => {
      this.#wake = resolve;
    });
    if (signal === undefined) return this.#raised;
    if (signal.aborted) return;
    let end = (): void => {};
    const aborted = new Promise<void>((resolve) => {
      end = resolve;
    });
    signal.addEventListener("abort", end, { once: true });
    await Promise.race([this.#raised, aborted]);
    signal.removeEventListener("abort", end);
  }
}
