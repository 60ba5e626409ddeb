/** One operation of a recorded history, as its client saw it. */
export interface HistoryOperation<Input, Output> {
  /** The client, thread or process that asked. */
  readonly process: string;
  /**
   * What the operation touches. Operations on different keys never influence each other, so each
   * key is judged by itself (P-compositionality: Horn and Kroening, FORTE 2015, after Herlihy and
   * Wing).
   */
  readonly key: string;
  readonly input: Input;
  /** Null: the client never learned it. */
  readonly output: Output | null;
  /** When it was asked, in any unit. Operations that touch in time count as concurrent. */
  readonly call: number;
  /** When the answer came. Null: it may take effect at any later time, or never. */
  readonly returned: number | null;
}

/** A history is a set: times give the order, the place in the array does not matter. */
export type History<Input, Output> = readonly HistoryOperation<Input, Output>[];
