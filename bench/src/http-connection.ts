import { connect, type Socket } from "node:net";

/** Large enough for any answer that a generator asks for. */
const ANSWER_BYTES = 16_384;
const HEAD_END = Buffer.from("\r\n\r\n");
const LENGTH = Buffer.from("content-length: ");
const RECONNECT_MS = 20;

/** Requests of one size whose key is patched in place: nothing is allocated per request. */
export class RequestTemplate {
  readonly #method: string;
  readonly #valueBytes: number;

  constructor(method: "PUT" | "GET", valueBytes: number) {
    this.#method = method;
    this.#valueBytes = valueBytes;
  }

  /** A buffer of its own; `at` is where the eight digits of the key go. */
  make(): { readonly bytes: Buffer; readonly at: number } {
    const path = `${this.#method} /k`;
    const body = this.#method === "PUT" ? Buffer.alloc(this.#valueBytes, "v") : Buffer.alloc(0);
    const length = this.#method === "PUT" ? `content-length: ${body.length}\r\n` : "";
    const head = Buffer.from(`${path}00000000 HTTP/1.1\r\nhost: bench\r\n${length}\r\n`);
    return { bytes: Buffer.concat([head, body]), at: path.length };
  }
}

/** What a connection tells whoever drives it. */
export interface ConnectionListener {
  /** Calls `send` when the next request may go out, with the time from which it counts. */
  whenDue(send: (from: number) => void): void;
  /** The next key, or -1 to stop. */
  nextKey(): number;
  answered(status: number, from: number): void;
  broken(): void;
}

/**
 * One keep-alive connection with one request outstanding, by hand: about 10 µs per request, so that
 * the generator does not become what is measured. Comes back when it breaks, until it is ended.
 */
export class HttpConnection {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #listener: ConnectionListener;
  readonly #request: Buffer;
  readonly #keyAt: number;
  #socket: Socket | null = null;
  #countsFrom = 0;
  #asked = false;
  #ended = false;
  #held = Buffer.alloc(0);

  constructor(
    target: { readonly host: string; readonly port: number },
    template: RequestTemplate,
    listener: ConnectionListener,
  ) {
    this.#target = target;
    this.#listener = listener;
    const { bytes, at } = template.make();
    this.#request = bytes;
    this.#keyAt = at;
    this.#open();
  }

  end(): void {
    this.#ended = true;
    this.#socket?.destroy();
  }

  #open(): void {
    if (this.#ended) return;
    this.#held = Buffer.alloc(0);
    const socket = connect({
      ...this.#target,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(ANSWER_BYTES),
        callback: (bytes, buffer) => {
          this.#receive((buffer as Buffer).subarray(0, bytes));
          return true;
        },
      },
    });
    this.#socket = socket;
    socket.on("connect", () => this.#ask());
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (this.#ended) return;
      this.#listener.broken();
      setTimeout(() => this.#open(), RECONNECT_MS);
    });
  }

  #ask(): void {
    if (this.#asked || this.#ended) return;
    this.#asked = true;
    this.#listener.whenDue((from) => {
      this.#asked = false;
      // One that is gone by then asks again when it is back.
      if (!this.#ended && this.#socket?.readyState === "open") this.#send(from);
    });
  }

  #send(from: number): void {
    const key = this.#listener.nextKey();
    if (key < 0) return this.end();
    let left = key;
    for (let digit = 7; digit >= 0; digit -= 1) {
      this.#request[this.#keyAt + digit] = 48 + (left % 10);
      left = Math.floor(left / 10);
    }
    this.#countsFrom = from;
    this.#socket?.write(this.#request);
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const status = wholeAnswer(bytes);
    if (status === null) {
      this.#held = Buffer.from(bytes);
      return;
    }
    this.#held = EMPTY;
    this.#listener.answered(status, this.#countsFrom);
    this.#ask();
  }
}

const EMPTY = Buffer.alloc(0);

/** The status of an answer that is all there; null when more must come. */
export function wholeAnswer(bytes: Buffer): number | null {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return null;
  const status = digits(bytes, 9);
  if (status === 204) return status;
  const lengthAt = bytes.indexOf(LENGTH);
  const length = lengthAt < 0 || lengthAt > headEnd ? 0 : digits(bytes, lengthAt + LENGTH.length);
  return bytes.length >= headEnd + HEAD_END.length + length ? status : null;
}

function digits(bytes: Buffer, from: number): number {
  let value = 0;
  for (let at = from; at < bytes.length; at += 1) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}
