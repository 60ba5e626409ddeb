import { randomInt } from "node:crypto";
import type { NodeId } from "@synod/core";
import {
  LOG_LIMITS,
  type LogBounds,
  LogMachine,
  type LogRefusal,
  type LogResult,
  log,
} from "@synod/machines";
import { Changes } from "../changes.ts";
import { createNode, type ReadOptions, type RequestOptions, type SynodNode } from "../node.ts";
import { invalid, type NodeOptions } from "../node-options.ts";
import { Signal } from "../signal.ts";
import { SynodError } from "../synod-error.ts";

/** What stands at a place in a log. */
export type LogItem =
  | { readonly kind: "entry"; readonly index: number; readonly entry: Uint8Array }
  /** What the application made of the entries through `upTo`, in the parts that it came in. */
  | { readonly kind: "snapshot"; readonly upTo: number; readonly parts: readonly Uint8Array[] }
  /** The entries through `upTo` are gone, and nothing stands for them. */
  | { readonly kind: "trimmed"; readonly upTo: number };

export interface FollowOptions {
  /** The first item is about the entry after this one; default 0: from the beginning. */
  readonly after?: number;
  /** Ends the subscription, without an error. */
  readonly signal?: AbortSignal;
}

/**
 * A durable log of an application's own entries, the same on all nodes. Indexes are 1, 2, 3, …;
 * neither compaction nor a change of leader or members changes them. All rejections are
 * {@link SynodError}.
 */
export interface ReplicatedLog {
  readonly id: NodeId;
  /** For status, counters and the reason of a stop. */
  readonly node: SynodNode;
  /** Fulfilled with the index of the entry once that is chosen, and executed here. */
  append(entry: Uint8Array, options?: RequestOptions): Promise<number>;
  /**
   * What is there: with everything whose append was fulfilled anywhere before the call, or,
   * `stale`, as much as this node knows.
   */
  bounds(options?: ReadOptions): Promise<LogBounds>;
  /** What stands at `index`; null: nothing yet. Linearizable unless told otherwise. */
  read(index: number, options?: ReadOptions): Promise<LogItem | null>;
  /**
   * What stands from index `from` through `to`, as far as it is there at the call; linearizable
   * unless told otherwise. Begins with a snapshot or `trimmed` where entries are gone.
   */
  range(from: number, to: number, options?: ReadOptions): AsyncIterableIterator<LogItem>;
  /** Everything from index `from` on that is chosen at the call: `range` without an end. */
  suffix(from: number, options?: ReadOptions): AsyncIterableIterator<LogItem>;
  /**
   * Everything after an entry, in order and without a gap, and then whatever comes, for as long as
   * one likes. A follower that comes late or is slow holds nobody up: where entries have gone
   * meanwhile, it gets the snapshot in their place, or is told that they were trimmed. Ends when
   * the node is closed; throws `stopped` if the node had to stop.
   */
  follow(options?: FollowOptions): AsyncIterableIterator<LogItem>;
  /** Gives up the entries through `upTo` (inclusive) on all nodes; waits for no node. */
  trim(upTo: number, options?: RequestOptions): Promise<LogBounds>;
  /**
   * Puts what the application made of the entries through `upTo` in their place, on all nodes.
   * Parts of at most 1 MiB, at most 1,024 of them, sent one after the other as they are taken;
   * until the last has come, nothing changes. `deadlineMs` is for each of them.
   */
  snapshot(
    upTo: number,
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options?: RequestOptions,
  ): Promise<LogBounds>;
  close(): Promise<void>;
}

/**
 * Starts a node on a data directory.
 *
 * ```ts
 * const entries = await createLog({ id, configuration, directory, protocol: multipaxos });
 * const index = await entries.append(entry);
 * for await (const item of entries.follow({ after: index })) …
 * ```
 */
export async function createLog<S, M>(
  options: Omit<NodeOptions<S, M>, "machine">,
): Promise<ReplicatedLog> {
  const changed = new Signal();
  const machine = new LogMachine(() => changed.raise());
  const node = await createNode({ ...options, machine });
  return new RunningLog(node, machine, changed);
}

/** Numbers of uploads are drawn: two makers of snapshots must not get the same one. */
const UPLOADS = 2 ** 47;

class RunningLog implements ReplicatedLog {
  readonly node: SynodNode;
  readonly #machine: LogMachine;
  readonly #changes: Changes;

  constructor(node: SynodNode, machine: LogMachine, changed: Signal) {
    this.node = node;
    this.#machine = machine;
    this.#changes = new Changes(node, changed);
  }

  get id(): NodeId {
    return this.node.id;
  }

  async append(entry: Uint8Array, options: RequestOptions = {}): Promise<number> {
    if (entry.length > LOG_LIMITS.entryBytesMax)
      throw invalid(`an entry has at most ${LOG_LIMITS.entryBytesMax} bytes`);
    const result = log.result((await this.node.propose(log.append(entry), options)).result);
    if (result?.kind === "appended") return result.index;
    throw refusal(result);
  }

  async bounds(options: ReadOptions = {}): Promise<LogBounds> {
    return boundsOf(log.result((await this.node.read(log.bounds, options)).result));
  }

  async read(index: number, options: ReadOptions = {}): Promise<LogItem | null> {
    checkIndex("index", index, 1);
    await this.bounds(options);
    return this.#after(index - 1) ?? null;
  }

  async *range(
    from: number,
    to: number,
    options: ReadOptions = {},
  ): AsyncIterableIterator<LogItem> {
    checkIndex("from", from, 1);
    if (to !== Number.POSITIVE_INFINITY) checkIndex("to", to, 0);
    const { last } = await this.bounds(options);
    for (let at = from - 1; at < Math.min(to, last); ) {
      const item = this.#after(at);
      if (item === undefined) return;
      at = placeOf(item);
      yield item;
    }
  }

  suffix(from: number, options: ReadOptions = {}): AsyncIterableIterator<LogItem> {
    return this.range(from, Number.POSITIVE_INFINITY, options);
  }

  async *follow(options: FollowOptions = {}): AsyncIterableIterator<LogItem> {
    const { after = 0, signal } = options;
    checkIndex("after", after, 0);
    for (let at = after; signal?.aborted !== true; ) {
      const item = this.#after(at);
      if (item !== undefined) {
        at = placeOf(item);
        yield item;
        continue;
      }
      if (!(await this.#changes.next(signal))) return;
    }
  }

  async trim(upTo: number, options: RequestOptions = {}): Promise<LogBounds> {
    checkIndex("upTo", upTo, 0);
    return this.#change(log.trim(upTo), options);
  }

  async snapshot(
    upTo: number,
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options: RequestOptions = {},
  ): Promise<LogBounds> {
    checkIndex("upTo", upTo, 1);
    const upload = randomInt(UPLOADS);
    let count = 0;
    for await (const part of parts) {
      if (part.length > LOG_LIMITS.partBytesMax) throw invalid(REFUSALS["part-too-large"]);
      await this.#change(log.snapshotPart(upload, count, part), options);
      count += 1;
    }
    if (count === 0) throw invalid("a snapshot has at least one part, which may be empty");
    return this.#change(log.snapshot(upload, count, upTo), options);
  }

  close(): Promise<void> {
    return this.node.close();
  }

  async #change(payload: Uint8Array, options: RequestOptions): Promise<LogBounds> {
    return boundsOf(log.result((await this.node.propose(payload, options)).result));
  }

  /** What comes after entry `at` here; undefined: nothing yet. */
  #after(at: number): LogItem | undefined {
    const { compactedUpTo } = this.#machine.bounds;
    if (at < compactedUpTo) {
      const parts = this.#machine.snapshot?.parts.map((part) => part.slice());
      return parts === undefined
        ? { kind: "trimmed", upTo: compactedUpTo }
        : { kind: "snapshot", upTo: compactedUpTo, parts };
    }
    const entry = this.#machine.entry(at + 1);
    return entry === undefined ? undefined : { kind: "entry", index: at + 1, entry: entry.slice() };
  }
}

/** Of the last entry that an item is about. */
function placeOf(item: LogItem): number {
  return item.kind === "entry" ? item.index : item.upTo;
}

function boundsOf(result: LogResult | null): LogBounds {
  if (result?.kind !== "bounds") throw refusal(result);
  const { compactedUpTo, last, hasSnapshot } = result;
  return { compactedUpTo, last, hasSnapshot };
}

const REFUSALS: Readonly<Record<LogRefusal, string>> = {
  "unknown-operation": "the nodes' log machine does not know this operation",
  malformed: "the nodes' log machine cannot read this operation",
  "beyond-end": "the log does not reach that far",
  compacted: "later entries are gone already",
  "upload-lost": "another snapshot was made meanwhile; make this one again if it is still wanted",
  "part-too-large": `a part has at most ${LOG_LIMITS.partBytesMax} bytes`,
  "too-many-parts": `a snapshot has at most ${LOG_LIMITS.partsMax} parts`,
};

function refusal(result: LogResult | null): SynodError {
  if (result?.kind === "refused") {
    const { reason } = result;
    const late = reason === "compacted" || reason === "upload-lost";
    return new SynodError(late ? "superseded" : "invalid", "no", REFUSALS[reason]);
  }
  return new SynodError("internal", "unknown", "the state machine gave an answer of another kind");
}

function checkIndex(name: string, index: number, least: number): void {
  if (!Number.isSafeInteger(index) || index < least)
    throw invalid(`${name} must be a whole number from ${least} on, and is ${index}`);
}
