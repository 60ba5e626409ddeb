import type { Socket } from "node:net";
import { FRAME_BYTES_MAX, Writer } from "@synod/core";
import {
  type Checksum,
  encodeFrame,
  FRAME_KINDS,
  type Frame,
  FrameDecoder,
  type FrameKind,
  openFrame,
} from "@synod/runtime";
import { GREETING_BYTES_MAX } from "./greeting.ts";

export interface FrameSocketEvents {
  /** A hello or refusal, whole and undamaged. */
  control(frame: Frame): void;
  /**
   * Any other frame but ping and pong, with its checksum not looked at yet; only lent until return.
   * False: it is damaged.
   */
  data(bytes: Uint8Array): boolean;
  /** Once, after which nothing else comes. `why` is empty when the other side said goodbye. */
  closed(why: string): void;
}

/**
 * Frames of one turn up to here are copied into one write; larger loads are written as they are.
 */
const COPIED_BYTES_MAX = 131_072;

/** Offset of the kind in a frame. */
const KIND_AT = 8;
const MESSAGE = FRAME_KINDS.indexOf("message");
const HOST = FRAME_KINDS.indexOf("host");

/**
 * Frames over one TCP connection. What is sent within one turn leaves in one write. A damaged frame
 * ends the connection: what follows it cannot be trusted.
 */
export class FrameSocket {
  readonly #socket: Socket;
  readonly #checksum: Checksum;
  readonly #events: FrameSocketEvents;
  #decoder = new FrameDecoder(GREETING_BYTES_MAX);
  #greeted = false;
  /** Received until the greeting was whole. */
  #greetingBytes = 0;
  #queued: Uint8Array[] = [];
  #queuedBytes = 0;
  #closed = false;
  /** Something arrived, or left while it was waiting to, since the last look. */
  #alive = true;
  #flushedAtLook = 0;

  constructor(socket: Socket, checksum: Checksum, events: FrameSocketEvents) {
    this.#socket = socket;
    this.#checksum = checksum;
    this.#events = events;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => this.close(error.message));
    socket.on("close", () => this.close(""));
  }

  /** Bytes that wait to leave this process. */
  get backlog(): number {
    return this.#queuedBytes + this.#socket.writableLength;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** The other side has been accepted: frames of full size and without a greeting are taken now. */
  accept(): void {
    this.#greeted = true;
  }

  /** The bytes belong to this socket from here on. */
  send(frame: Uint8Array): void {
    if (this.#closed) return;
    this.#queued.push(frame);
    this.#queuedBytes += frame.length;
    if (this.#queued.length === 1) process.nextTick(() => this.#flush());
  }

  sendPing(): void {
    this.send(emptyFrame("ping", this.#checksum));
  }

  /**
   * Whether anything showed since the last look that the other side is there. Bytes that leave
   * count only while others wait behind them: the kernel's buffer takes some even for the dead.
   */
  look(): boolean {
    const { bytesWritten, writableLength } = this.#socket;
    const flushed = bytesWritten - writableLength;
    const moved = writableLength > 0 && flushed > this.#flushedAtLook;
    this.#flushedAtLook = flushed;
    const alive = this.#alive || moved;
    this.#alive = false;
    return alive;
  }

  /** Sends a last frame, then ends the connection in order. */
  finish(frame: Uint8Array | null): void {
    if (this.#closed) return;
    if (frame !== null) this.send(frame);
    this.#flush();
    this.#socket.end();
    // Who does not read its end of a finished connection keeps it no longer than this.
    const limit = setTimeout(() => this.#socket.destroy(), 500);
    limit.unref();
    this.#ended("");
  }

  /** Drops the connection at once; `why` is told to the owner. */
  close(why: string): void {
    this.#socket.destroy();
    this.#ended(why);
  }

  #ended(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#events.closed(why);
  }

  #flush(): void {
    if (this.#closed || this.#queued.length === 0) return;
    const frames = this.#queued;
    const bytes = this.#queuedBytes;
    this.#queued = [];
    this.#queuedBytes = 0;
    if (frames.length === 1) this.#socket.write(frames[0] as Uint8Array);
    else if (bytes <= COPIED_BYTES_MAX) this.#socket.write(Buffer.concat(frames, bytes));
    else {
      this.#socket.cork();
      for (const frame of frames) this.#socket.write(frame);
      this.#socket.uncork();
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return;
    this.#alive = true;
    // A Buffer's slices are views: a host that copies what it was lent needs the plain kind.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    const rest = this.#greeted ? bytes : this.#receiveGreeting(bytes);
    if (rest === null || this.#closed) return;
    if (!this.#decoder.push(rest, (frame) => this.#take(frame))) this.close("a damaged frame");
  }

  /**
   * Takes the first frame; once that is accepted, returns the bytes of this chunk that follow it.
   */
  #receiveGreeting(bytes: Uint8Array): Uint8Array | null {
    const before = this.#greetingBytes;
    this.#greetingBytes += bytes.length;
    let end = 0;
    const sound = this.#decoder.push(bytes, (frame) => {
      end = frame.length - before;
      if (!this.#take(frame)) this.close("a damaged frame");
      return false;
    });
    if (end === 0 && !sound) this.close("a damaged frame");
    if (!this.#greeted) return null;
    this.#decoder = new FrameDecoder(FRAME_BYTES_MAX);
    return bytes.subarray(end);
  }

  #take(frame: Uint8Array): boolean {
    const kind = frame[KIND_AT];
    if (kind === MESSAGE || kind === HOST) {
      return this.#greeted && this.#events.data(frame) && !this.#closed;
    }
    const opened = openFrame(frame, this.#checksum);
    if (opened === null) return false;
    switch (opened.kind) {
      case "ping":
        if (this.#greeted) this.send(emptyFrame("pong", this.#checksum));
        return this.#greeted;
      case "pong":
        return this.#greeted;
      default:
        this.#events.control(opened);
        return true;
    }
  }
}

function emptyFrame(kind: FrameKind, checksum: Checksum): Uint8Array {
  return encodeFrame(new Writer(16), kind, checksum, () => {});
}
