/**
 * What any replicated store in Node must do at least, and nothing else: a fixed leader that serves
 * HTTP and two followers, each batch written and synced on all three, answered when two have it. No
 * ballots, no elections, no recovery, no sessions, no reads: not a consensus protocol, only the
 * machine's own limit at this moment, with which Synod is compared.
 */
import { createServer, type ServerResponse } from "node:http";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { frameOf, readFrames } from "./bare-frames.ts";
import { BareLog } from "./bare-log.ts";

/** Batches under way at once. */
const WINDOW = 4;

const [role, logFile, portText, ...followerPorts] = process.argv.slice(2);
const port = Number(portText);
const log = new BareLog(logFile ?? "");

if (role === "leader") serveHttp(followerPorts.map(Number));
else follow();

// Ends with whoever started it, however that ends.
process.on("disconnect", () => process.exit());

function follow(): void {
  const values = new Map<string, Buffer>();
  const server = createTcpServer((socket) =>
    readFrames(socket, (batch, body) => {
      log.append(body, () => socket.write(frameOf(batch, new Uint8Array(0))));
      values.set(String(batch % 10_000), body);
    }),
  );
  server.listen(port, "127.0.0.1", () => process.send?.("ready"));
}

interface Batch {
  readonly waiting: readonly ServerResponse[];
  votes: number;
}

function serveHttp(ports: readonly number[]): void {
  const values = new Map<string, Buffer>();
  const batches = new Map<number, Batch>();
  const peers: Socket[] = [];
  let bodies: Buffer[] = [];
  let waiting: ServerResponse[] = [];
  let lastBatch = 0;
  let turnAsked = false;

  const vote = (number: number): void => {
    const batch = batches.get(number);
    if (batch === undefined) return;
    batch.votes += 1;
    if (batch.votes < 2) return;
    batches.delete(number);
    for (const response of batch.waiting) response.writeHead(204, { "x-slot": number }).end();
    send();
  };
  const send = (): void => {
    if (waiting.length === 0 || batches.size >= WINDOW) return;
    lastBatch += 1;
    const number = lastBatch;
    const body = Buffer.concat(bodies);
    const frame = frameOf(number, body);
    batches.set(number, { waiting, votes: 0 });
    bodies = [];
    waiting = [];
    for (const peer of peers) peer.write(frame);
    log.append(body, () => vote(number));
  };
  const server = createServer((request, response) => {
    let body: Buffer = Buffer.alloc(0);
    request.on("data", (chunk: Buffer) => {
      body = body.length === 0 ? chunk : Buffer.concat([body, chunk]);
    });
    request.on("end", () => {
      values.set(request.url ?? "", body);
      bodies.push(body);
      waiting.push(response);
      if (turnAsked) return;
      turnAsked = true;
      setImmediate(() => {
        turnAsked = false;
        send();
      });
    });
  });
  for (const peerPort of ports) {
    const peer = connect(peerPort, "127.0.0.1");
    readFrames(peer, (number) => vote(number));
    peers.push(peer);
  }
  server.listen(port, "127.0.0.1", () => process.send?.("ready"));
}
