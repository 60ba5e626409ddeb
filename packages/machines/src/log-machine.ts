import {
  assertNever,
  type Footprint,
  type Machine,
  type MachineImage,
  type MachineRestore,
} from "@synod/core";
import {
  decodeLogOperation,
  encodeLogResult,
  LOG_LIMITS,
  type LogBounds,
  type LogOperation,
  type LogRefusal,
} from "./log-codec.ts";
import { LogImage, LogRestore } from "./log-image.ts";
import type { LogSnapshot, LogState } from "./log-state.ts";

const EMPTY: LogState = Object.freeze({
  compactedUpTo: 0,
  snapshot: null,
  uploads: [],
  entries: [],
  dropped: 0,
});

/** Everything conflicts with everything: there is one order. */
const WHOLE_LOG: Footprint = Object.freeze({ reads: [], writes: ["log"] });

/**
 * A durable log of an application's own entries, with indexes 1, 2, 3, … that no reconfiguration
 * and no compaction changes. What is no longer needed is trimmed, or has its place taken by a
 * snapshot that the application made. Both are commands like any other: they wait for no node that
 * is away, and such a node gets what is left when it comes back.
 */
export class LogMachine implements Machine {
  readonly #changed: () => void;
  #state: LogState = { ...EMPTY, entries: [] };

  /** `changed` is called after each change, to wake whoever follows the log here. */
  constructor(changed: () => void = () => {}) {
    this.#changed = changed;
  }

  get bounds(): LogBounds {
    const { compactedUpTo, snapshot, entries, dropped } = this.#state;
    const last = compactedUpTo + entries.length - dropped;
    return { compactedUpTo, last, hasSnapshot: snapshot !== null };
  }

  /** What stands for the entries that are gone, if the application made something. */
  get snapshot(): LogSnapshot | null {
    return this.#state.snapshot;
  }

  /** Not to be changed; undefined: it is gone, or was never there. */
  entry(index: number): Uint8Array | undefined {
    const { compactedUpTo, entries, dropped } = this.#state;
    return index > compactedUpTo ? entries[dropped + index - compactedUpTo - 1] : undefined;
  }

  apply(payload: Uint8Array): Uint8Array {
    const operation = decodeLogOperation(payload);
    if (operation.kind === "append") {
      this.#state.entries.push(operation.entry.slice());
      this.#changed();
      return encodeLogResult({ kind: "appended", index: this.bounds.last });
    }
    const reason = this.#execute(operation);
    if (reason !== null) return encodeLogResult({ kind: "refused", reason });
    return encodeLogResult({ kind: "bounds", ...this.bounds });
  }

  query(payload: Uint8Array): Uint8Array {
    const { kind } = decodeLogOperation(payload);
    if (kind === "bounds") return encodeLogResult({ kind: "bounds", ...this.bounds });
    return encodeLogResult({ kind: "refused", reason: "unknown-operation" });
  }

  footprint(): Footprint {
    return WHOLE_LOG;
  }

  freeze(): MachineImage {
    return new LogImage(this.#state, this.bounds.last);
  }

  restore(): MachineRestore {
    this.#state = { ...EMPTY, entries: [] };
    return new LogRestore((state) => {
      this.#state = state;
      this.#changed();
    });
  }

  #execute(operation: Exclude<LogOperation, { kind: "append" }>): LogRefusal | null {
    switch (operation.kind) {
      case "bounds":
        return null;
      case "trim":
        return this.#trim(operation.upTo);
      case "snapshotPart":
        return this.#addPart(operation.upload, operation.part, operation.bytes);
      case "snapshot":
        return this.#install(operation.upload, operation.parts, operation.upTo);
      case "refused":
        return operation.reason;
      default:
        return assertNever(operation);
    }
  }

  #trim(upTo: number): LogRefusal | null {
    if (upTo > this.bounds.last) return "beyond-end";
    // A snapshot that would stand for a part of what is gone only is given up with the rest.
    if (upTo > this.#state.compactedUpTo) this.#compact(upTo, null);
    return null;
  }

  #addPart(id: number, part: number, bytes: Uint8Array): LogRefusal | null {
    if (bytes.length > LOG_LIMITS.partBytesMax) return "part-too-large";
    if (part >= LOG_LIMITS.partsMax) return "too-many-parts";
    const { uploads } = this.#state;
    const found = uploads.find((upload) => upload.id === id);
    if (part !== (found?.parts.length ?? 0)) return "upload-lost";
    if (found === undefined) {
      const kept = uploads.slice(Math.max(0, uploads.length + 1 - LOG_LIMITS.uploadsMax));
      this.#state = { ...this.#state, uploads: [...kept, { id, parts: [bytes.slice()] }] };
    } else found.parts.push(bytes.slice());
    return null;
  }

  #install(id: number, parts: number, upTo: number): LogRefusal | null {
    const upload = this.#state.uploads.find((one) => one.id === id);
    if (upload === undefined || upload.parts.length !== parts) return "upload-lost";
    const uploads = this.#state.uploads.filter((one) => one !== upload);
    this.#state = { ...this.#state, uploads };
    if (upTo > this.bounds.last) return "beyond-end";
    if (upTo < Math.max(1, this.#state.compactedUpTo)) return "compacted";
    this.#compact(upTo, { upTo, parts: upload.parts });
    return null;
  }

  #compact(upTo: number, snapshot: LogSnapshot | null): void {
    const { compactedUpTo, entries, dropped } = this.#state;
    const gone = dropped + upTo - compactedUpTo;
    // Moved once in a while only, so that trimming entry by entry stays cheap.
    const moves = gone * 2 > entries.length;
    this.#state = {
      ...this.#state,
      compactedUpTo: upTo,
      snapshot,
      entries: moves ? entries.slice(gone) : entries,
      dropped: moves ? 0 : gone,
    };
    this.#changed();
  }
}
