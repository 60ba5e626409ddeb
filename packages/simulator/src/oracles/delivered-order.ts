import type { NodeId } from "@synod/core";
import { type Order, orderOf } from "./operation.ts";
import type { Accuse } from "./verdict.ts";

/** Where one incarnation of a replica stands. */
interface Cursor {
  /** Position whose commands it is executing; -1: not known since a snapshot was put in place. */
  position: number;
  /** Commands of it that it has executed. */
  place: number;
}

/** What an executed command is recognised by. */
export interface Executed {
  readonly client: string;
  readonly sequence: number;
  readonly repeated: boolean;
}

/**
 * Delivered order: all replicas, in all their incarnations, execute the same commands at the same
 * positions, and none leaves one out. The first to execute a position writes the record; it stands
 * for ever.
 */
export class DeliveredOrder {
  readonly #accuse: Accuse;
  readonly #positions: number[] = [];
  readonly #commands = new Map<number, Executed[]>();
  readonly #cursors = new Map<NodeId, Cursor>();

  constructor(accuse: Accuse) {
    this.#accuse = accuse;
  }

  /** Highest position anybody has executed a command of. */
  get last(): number {
    return this.#positions[this.#positions.length - 1] ?? 0;
  }

  /** Commands executed, each once. */
  get size(): number {
    let size = 0;
    for (const commands of this.#commands.values()) size += commands.length;
    return size;
  }

  at(position: number): readonly Executed[] {
    return this.#commands.get(position) ?? [];
  }

  /** A new incarnation, or another state in place: what it executes next is checked from there. */
  reset(node: NodeId): void {
    this.#cursors.set(node, { position: -1, place: 0 });
  }

  /**
   * `node` has executed `command` at `position`. `base` is asked for the position its state came
   * from, when this is its first command since {@link reset}.
   */
  executed(node: NodeId, position: number, command: Executed, base: () => number): Order {
    const cursor = this.#cursors.get(node) ?? { position: -1, place: 0 };
    if (cursor.position !== position) {
      const from = cursor.position < 0 ? base() : this.#leave(node, cursor);
      if (position <= from)
        this.#accuse("order", `node ${node} went back from ${from} to ${position}`);
      this.#enter(node, from, position);
      cursor.position = position;
      cursor.place = 0;
      this.#cursors.set(node, cursor);
    }
    const record = this.#commands.get(position) as Executed[];
    const known = record[cursor.place];
    if (known === undefined) record.push(command);
    else if (!same(known, command))
      this.#accuse(
        "order",
        `at ${position}.${cursor.place} node ${node} executed ${show(command)}, ` +
          `others ${show(known)}`,
      );
    cursor.place += 1;
    return orderOf(position, cursor.place - 1);
  }

  /** All commands of the position it leaves must have been executed. */
  #leave(node: NodeId, cursor: Cursor): number {
    const record = this.#commands.get(cursor.position) ?? [];
    if (cursor.place !== record.length)
      this.#accuse(
        "order",
        `node ${node} executed ${cursor.place} of the ${record.length} commands ` +
          `at ${cursor.position}`,
      );
    return cursor.position;
  }

  /** Between `from` and `position` there must be nothing that others executed. */
  #enter(node: NodeId, from: number, position: number): void {
    const next = this.#positions[firstAbove(this.#positions, from)];
    if (next === position) return;
    if (next !== undefined && next < position)
      this.#accuse("order", `node ${node} went from ${from} to ${position} and left out ${next}`);
    else if (next !== undefined)
      this.#accuse(
        "order",
        `node ${node} executed ${position}, where others had nothing before ${next}`,
      );
    if (this.#commands.has(position)) return;
    this.#positions.push(position);
    this.#commands.set(position, []);
  }
}

/** Index of the first of these ascending numbers that is above `bound`. */
function firstAbove(numbers: readonly number[], bound: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}

function same(a: Executed, b: Executed): boolean {
  return a.client === b.client && a.sequence === b.sequence && a.repeated === b.repeated;
}

function show(command: Executed): string {
  return `${command.client}#${command.sequence}${command.repeated ? " (repeated)" : ""}`;
}
