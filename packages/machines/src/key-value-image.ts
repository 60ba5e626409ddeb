import {
  type MachineImage,
  type MachineRestore,
  type OrderedCursor,
  type OrderedMap,
  OrderedMapBuilder,
  Reader,
  utf8Length,
  Writer,
} from "@synod/core";
import { KEY_VALUE_LIMITS } from "./key-value-codec.ts";
import type { StoredValue, ValueStore } from "./value-store.ts";

/**
 * An image is slices of entries in key order, and one last slice that counts them. A slice is one
 * byte that names its kind and layout, then `u32 length | key | u32 length | value` over and over.
 */
const SLICE_ENTRIES = 0x01;
const SLICE_END = 0x02;

export class KeyValueImage implements MachineImage {
  #cursor: OrderedCursor<StoredValue> | null;
  readonly #size: number;
  readonly #writer = new Writer();
  #ended = false;

  constructor(cursor: OrderedCursor<StoredValue>, size: number) {
    this.#cursor = cursor;
    this.#size = size;
  }

  /** At most `bytesMax`, unless a single entry is larger: a slice holds one at least. */
  next(bytesMax: number): Uint8Array | null {
    const cursor = this.#cursor;
    if (cursor === null || this.#ended) return null;
    if (cursor.atEnd) return this.#end();
    const writer = this.#writer;
    writer.reset();
    writer.u8(SLICE_ENTRIES);
    for (; !cursor.atEnd; cursor.advance()) {
      const { key, value } = cursor;
      const room = bytesMax - writer.length - 8 - value.length;
      // A key of n code units takes between n and 3n bytes: hardly any needs counting.
      const mayNotFit = writer.length > 1 && 3 * key.length > room;
      if (mayNotFit && (key.length > room || utf8Length(key) > room)) break;
      writer.string(key);
      writer.bytes(value.view());
    }
    return writer.peek();
  }

  release(): void {
    this.#cursor = null;
  }

  #end(): Uint8Array {
    this.#ended = true;
    const writer = new Writer(9);
    writer.u8(SLICE_END);
    writer.u53(this.#size);
    return writer.take();
  }
}

export class KeyValueRestore implements MachineRestore {
  readonly #builder = new OrderedMapBuilder<StoredValue>();
  readonly #values: ValueStore;
  readonly #install: (entries: OrderedMap<StoredValue>) => void;
  #count = 0;
  #state: "open" | "complete" | "closed" = "open";

  /** Puts values into `values`, and hands the entries to `install` when all of them are here. */
  constructor(values: ValueStore, install: (entries: OrderedMap<StoredValue>) => void) {
    this.#values = values;
    this.#install = install;
  }

  add(slice: Uint8Array): boolean {
    if (this.#state !== "open") return this.#fail();
    const reader = new Reader(slice);
    const kind = reader.u8();
    if (kind === SLICE_END) {
      const matches = reader.u53() === this.#count && reader.complete();
      if (!matches) return this.#fail();
      this.#state = "complete";
      return true;
    }
    if (kind !== SLICE_ENTRIES || reader.remaining === 0) return this.#fail();
    while (reader.remaining > 0) {
      const key = reader.string(KEY_VALUE_LIMITS.keyBytesMax);
      const length = reader.bytes(KEY_VALUE_LIMITS.valueBytesMax).length;
      if (reader.failed || key === "") return this.#fail();
      const value = this.#values.put(slice, reader.position - length, reader.position);
      if (!this.#builder.add(key, value)) return this.#fail();
      this.#count += 1;
    }
    return true;
  }

  finish(): boolean {
    if (this.#state !== "complete") return this.#fail();
    this.#state = "closed";
    this.#install(this.#builder.build());
    return true;
  }

  #fail(): false {
    this.#state = "closed";
    return false;
  }
}
