import type { IncomingMessage } from "node:http";

export const BODY_BYTES_MAX = 1_048_576;

/**
 * What a refused request may still send before its connection is cut. Reading it lets the client
 * see the answer: a connection closed with unread bytes is reset, and the answer is lost.
 */
const DRAIN_BYTES_MAX = 16 * BODY_BYTES_MAX;

export interface BodyReceiver {
  /** The whole body. A view that may be kept. */
  body(bytes: Uint8Array): void;
  /** It is larger than {@link BODY_BYTES_MAX}, or (`crowded`) all bodies together are too large. */
  bodyRefused(why: "too-large" | "crowded"): void;
  /** The client left before the end. */
  bodyAbandoned(): void;
}

/** Bytes of unfinished bodies of all connections, so that many slow ones cannot fill the memory. */
export class BodyBudget {
  readonly bytesMax: number;
  bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }
}

const EMPTY = new Uint8Array(0);

/** Collects the body of a request; calls one method of `receiver`, once. */
export function receiveBody(
  request: IncomingMessage,
  budget: BodyBudget,
  receiver: BodyReceiver,
): void {
  if (Number(request.headers["content-length"]) > BODY_BYTES_MAX) {
    receiver.bodyRefused("too-large");
    drain(request);
  } else if (hasBody(request)) collect(request, budget, receiver);
  else receiver.body(EMPTY);
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

function collect(request: IncomingMessage, budget: BodyBudget, receiver: BodyReceiver): void {
  let first: Buffer = Buffer.alloc(0);
  let others: Buffer[] | null = null;
  let length = 0;
  let over = false;

  const release = (): void => {
    over = true;
    budget.bytes -= length;
    first = Buffer.alloc(0);
    others = null;
  };
  const onData = (chunk: Buffer): void => {
    const tooLarge = length + chunk.length > BODY_BYTES_MAX;
    if (tooLarge || budget.bytes + chunk.length > budget.bytesMax) {
      release();
      request.off("data", onData);
      receiver.bodyRefused(tooLarge ? "too-large" : "crowded");
      return drain(request);
    }
    budget.bytes += chunk.length;
    if (length === 0) first = chunk;
    else if (others === null) others = [first, chunk];
    else others.push(chunk);
    length += chunk.length;
  };
  request.on("data", onData);
  request.on("end", () => {
    if (over) return;
    const bytes = others === null ? first : Buffer.concat(others, length);
    release();
    receiver.body(bytes);
  });
  request.on("close", () => {
    if (over) return;
    release();
    receiver.bodyAbandoned();
  });
}

/** Reads and drops what is left of a body; cuts the connection when that is too much. */
export function drain(request: IncomingMessage): void {
  if (!hasBody(request)) return;
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > DRAIN_BYTES_MAX) request.socket.destroy();
  });
}
