/**
 * What a journal may hold after a crash. Every change of its contents is a step; the steps up to
 * the last acknowledged flush must be there, any further ones may be, and none without all before
 * it.
 */
export class JournalModel {
  #steps: (readonly number[])[];
  #acknowledged = 0;

  constructor(indexes: readonly number[] = []) {
    this.#steps = [indexes];
  }

  append(index: number): void {
    this.#steps.push([...(this.#steps.at(-1) ?? []), index]);
  }

  checkpoint(indexes: readonly number[]): void {
    this.#steps.push(indexes);
  }

  /** To be called when a flush begins; the result when it has ended well. */
  flush(): () => void {
    const staged = this.#steps.length - 1;
    return () => {
      this.#acknowledged = staged;
    };
  }

  get acknowledged(): readonly number[] {
    return this.#steps[this.#acknowledged] as readonly number[];
  }

  /** Null if the journal may come back like this. */
  problem(indexes: readonly number[]): string | null {
    const found = JSON.stringify(indexes);
    const allowed = this.#steps.slice(this.#acknowledged).map((step) => JSON.stringify(step));
    return allowed.includes(found) ? null : `found ${found}, allowed ${allowed.join(" or ")}`;
  }
}
