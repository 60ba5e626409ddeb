/** One operation of a client, as the client knows it. */
export interface Operation {
  /** From 1, in the order of invocation. */
  readonly id: number;
  readonly client: number;
  readonly kind: "put" | "remove" | "get" | "stale-get";
  readonly key: string;
  /** What a put writes: never twice the same. */
  readonly value: string;
  /** Null: without a session of its own. */
  readonly session: { readonly client: string; readonly sequence: number } | null;
  /**
   * Highest order that was acknowledged to anybody when this was invoked: reads must not be older.
   */
  readonly floor: Order;
  /** Highest position that was acknowledged to this client before. */
  readonly clientFloor: number;
}

/** A place in the executed order, as one number: position, then place within the position. */
export type Order = number;

/** Most commands in one position. */
const PLACES = 65_536;

export function orderOf(position: number, place: number): Order {
  return position * PLACES + place;
}

export function positionOf(order: Order): number {
  return Math.floor(order / PLACES);
}
