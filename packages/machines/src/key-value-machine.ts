import {
  assertNever,
  EMPTY_FOOTPRINT,
  type Footprint,
  type Machine,
  type MachineImage,
  type MachineRestore,
  OrderedMap,
} from "@synod/core";
import { decodeOperation, encodeResult } from "./key-value-codec.ts";
import { KeyValueImage, KeyValueRestore } from "./key-value-image.ts";
import { type StoredValue, ValueStore } from "./value-store.ts";

/** Results are shared and never change; whoever gets one must not write to it. */
const WRITTEN_NEW = encodeResult({ kind: "written", existed: false });
const WRITTEN_EXISTED = encodeResult({ kind: "written", existed: true });
const ABSENT = encodeResult({ kind: "absent" });

/**
 * A map from keys to bytes: put, delete and get. Values are copied out of payloads, because a
 * payload is a view on a whole frame. Freezing is O(1) and images come in key order, so the same
 * contents give the same bytes, however they came about.
 */
export class KeyValueMachine implements Machine {
  #entries = new OrderedMap<StoredValue>();
  #values = new ValueStore();

  /** How many keys there are. */
  get size(): number {
    return this.#entries.size;
  }

  apply(payload: Uint8Array): Uint8Array {
    const operation = decodeOperation(payload);
    switch (operation.kind) {
      case "put": {
        const value = this.#values.put(payload, operation.valueAt, payload.length);
        return this.#written(this.#entries.set(operation.key, value));
      }
      case "delete":
        return this.#written(this.#entries.delete(operation.key));
      case "get":
        return this.#get(operation.key);
      case "refused":
        return encodeResult(operation);
      default:
        return assertNever(operation);
    }
  }

  query(payload: Uint8Array): Uint8Array {
    const operation = decodeOperation(payload);
    if (operation.kind === "get") return this.#get(operation.key);
    if (operation.kind === "refused") return encodeResult(operation);
    return encodeResult({ kind: "refused", reason: "unknown-operation" });
  }

  footprint(payload: Uint8Array): Footprint {
    const operation = decodeOperation(payload);
    if (operation.kind === "refused") return EMPTY_FOOTPRINT;
    return operation.kind === "get"
      ? { reads: [operation.key], writes: [] }
      : { reads: [], writes: [operation.key] };
  }

  freeze(): MachineImage {
    return new KeyValueImage(this.#entries.freeze(), this.#entries.size);
  }

  restore(): MachineRestore {
    this.#entries = new OrderedMap();
    this.#values = new ValueStore();
    return new KeyValueRestore(this.#values, (entries) => {
      this.#entries = entries;
    });
  }

  #written(before: StoredValue | undefined): Uint8Array {
    if (before === undefined) return WRITTEN_NEW;
    this.#values.drop(before);
    return WRITTEN_EXISTED;
  }

  #get(key: string): Uint8Array {
    const value = this.#entries.get(key);
    return value === undefined ? ABSENT : encodeResult({ kind: "found", value: value.view() });
  }
}
