import {
  assertNever,
  type MachineImage,
  type MachineRestore,
  type Position,
  Reader,
  Writer,
} from "@synod/core";
import type { FrozenSessions, SessionContent } from "./sessions.ts";
import {
  readSessionsHeader,
  SessionsImage,
  SessionsRestore,
  writeSessionsHeader,
} from "./sessions-image.ts";

/**
 * The replicated state in slices: one header, slices of session records, slices of the machine. The
 * first byte of a slice says which it is. Layout: docs/formats/snapshot.md.
 */
const SLICE_HEADER = 0x01;
const SLICE_SESSIONS = 0x02;
const SLICE_MACHINE = 0x03;

const VERSION = 1;

export class ExecutionImage implements MachineImage {
  readonly #position: Position;
  readonly #frozen: FrozenSessions;
  readonly #sessions: SessionsImage;
  readonly #machine: MachineImage;
  readonly #writer = new Writer();
  #state: "header" | "sessions" | "machine" | "released" = "header";

  constructor(position: Position, frozen: FrozenSessions, machine: MachineImage) {
    this.#position = position;
    this.#frozen = frozen;
    this.#sessions = new SessionsImage(frozen);
    this.#machine = machine;
  }

  next(bytesMax: number): Uint8Array | null {
    const writer = this.#writer;
    writer.reset();
    switch (this.#state) {
      case "released":
        return null;
      case "header":
        this.#header(writer);
        return writer.peek();
      case "sessions":
        writer.u8(SLICE_SESSIONS);
        if (this.#sessions.next(writer, bytesMax)) return writer.peek();
        this.#state = "machine";
        return this.#machineSlice(writer, bytesMax);
      case "machine":
        return this.#machineSlice(writer, bytesMax);
      default:
        return assertNever(this.#state);
    }
  }

  release(): void {
    if (this.#state === "released") return;
    this.#state = "released";
    this.#machine.release();
  }

  #header(writer: Writer): void {
    this.#state = "sessions";
    writer.u8(SLICE_HEADER);
    writer.u16(VERSION);
    writer.u32(this.#position.log);
    writer.u53(this.#position.index);
    writeSessionsHeader(writer, this.#frozen);
  }

  #machineSlice(writer: Writer, bytesMax: number): Uint8Array | null {
    const slice = this.#machine.next(bytesMax - 1);
    if (slice === null) return null;
    writer.reset();
    writer.u8(SLICE_MACHINE);
    writer.raw(slice);
    return writer.peek();
  }
}

export class ExecutionRestore implements MachineRestore {
  readonly #machine: MachineRestore;
  readonly #install: (position: Position, content: SessionContent) => void;
  #position: Position | null = null;
  #sessions: SessionsRestore | null = null;
  #inMachine = false;
  #failed = false;

  /** Tells `install` position and sessions once the machine holds its state. */
  constructor(
    machine: MachineRestore,
    install: (position: Position, content: SessionContent) => void,
  ) {
    this.#machine = machine;
    this.#install = install;
  }

  add(slice: Uint8Array): boolean {
    if (!this.#failed && !this.#slice(slice)) this.#failed = true;
    return !this.#failed;
  }

  finish(): boolean {
    const content = this.#sessions?.finish() ?? null;
    const position = this.#position;
    if (this.#failed || content === null || position === null) return false;
    this.#failed = true;
    if (!this.#machine.finish()) return false;
    this.#install(position, content);
    return true;
  }

  #slice(slice: Uint8Array): boolean {
    const sessions = this.#sessions;
    const reader = new Reader(slice);
    const kind = reader.u8();
    if (sessions === null) return kind === SLICE_HEADER && this.#header(reader);
    if (kind === SLICE_SESSIONS)
      return !this.#inMachine && reader.remaining > 0 && sessions.add(reader);
    this.#inMachine = true;
    return kind === SLICE_MACHINE && this.#machine.add(slice.subarray(1));
  }

  #header(reader: Reader): boolean {
    if (reader.u16() !== VERSION) return false;
    this.#position = { log: reader.u32(), index: reader.u53() };
    this.#sessions = new SessionsRestore(readSessionsHeader(reader));
    return reader.complete();
  }
}
