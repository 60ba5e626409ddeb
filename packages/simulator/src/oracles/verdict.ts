/** What an oracle has seen that must not be. */
export interface Violation {
  /** The oracle's name, stable: shrinking keeps it the same. */
  readonly oracle: string;
  readonly message: string;
  /** Virtual ms. */
  readonly atMs: number;
}

/** How oracles accuse. The first accusation ends the life. */
export type Accuse = (oracle: string, message: string) => void;
