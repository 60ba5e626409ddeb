import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ask, NoAnswer } from "./http.ts";

let server: Server | null = null;

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((done) => server?.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

test("sends method, path, headers and bytes as they are, and gives back the same", async () => {
  const url = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      response.writeHead(207, { "x-seen": `${request.method} ${request.url}` });
      response.end(Buffer.concat([Buffer.from(String(request.headers["x-one"])), ...chunks]));
    });
  });
  const body = Uint8Array.of(0, 255, 10);
  const headers = { "x-one": "1" };
  const answer = await ask({ method: "PUT", url, path: "/..%2F.", headers, body, timeoutMs: 2000 });
  expect([answer.status, answer.headers["x-seen"]]).toEqual([207, "PUT /..%2F."]);
  expect([...answer.body]).toEqual([0x31, 0, 255, 10]);
  const dots = await ask({ method: "GET", url, path: "/..", timeoutMs: 2000 });
  expect(dots.headers["x-seen"]).toBe("GET /..");
});

async function failure(url: string, timeoutMs = 2000): Promise<NoAnswer> {
  const error = await ask({ method: "GET", url, path: "/", timeoutMs }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(NoAnswer);
  return error as NoAnswer;
}

test("where nothing listens, nothing was sent", async () => {
  const url = await serve(() => {});
  await new Promise((done) => server?.close(done));
  const { sent, message } = await failure(url);
  expect([sent, message]).toEqual([false, "nothing listens there"]);
});

test("after a connection was made, nobody knows what arrived", async () => {
  const broken = await serve((request) => request.socket.destroy());
  expect((await failure(broken)).sent).toBe(true);
});

test("gives up after the time-out", async () => {
  const url = await serve(() => {});
  const { sent, message } = await failure(url, 50);
  expect([sent, message]).toEqual([true, "no answer within 50 ms"]);
});

test("an answer that breaks off is no answer", async () => {
  const url = await serve((request, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("half");
    setTimeout(() => request.socket.destroy(), 20);
  });
  expect((await failure(url)).sent).toBe(true);
});
