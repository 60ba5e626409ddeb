import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { HttpConnection, RequestTemplate, wholeAnswer } from "./http-connection.ts";

test("an answer counts when it is all there", () => {
  const whole = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
  for (let end = 0; end < whole.length; end += 1)
    expect(wholeAnswer(Buffer.from(whole.slice(0, end)))).toBeNull();
  expect(wholeAnswer(Buffer.from(whole))).toBe(200);
  expect(wholeAnswer(Buffer.from("HTTP/1.1 204 No Content\r\nx-paxos-slot: 7\r\n\r\n"))).toBe(204);
  expect(wholeAnswer(Buffer.from("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"))).toBe(404);
});

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** What a server sees of a connection that asks for these keys, and what the connection hears. */
async function converse(
  method: "PUT" | "GET",
  keys: readonly number[],
): Promise<{ readonly seen: readonly Seen[]; readonly statuses: readonly number[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    seen.push({
      method: request.method ?? "",
      url: request.url ?? "",
      body: await bodyOf(request),
    });
    response.writeHead(seen.length === 1 ? 204 : 503, { "content-length": 0 }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const left = [...keys];
  const statuses: number[] = [];
  await new Promise<void>((resolve) => {
    new HttpConnection({ host: "127.0.0.1", port }, new RequestTemplate(method, 3), {
      whenDue: (send) => send(0),
      nextKey: () => {
        const key = left.shift() ?? -1;
        if (key < 0) resolve();
        return key;
      },
      answered: (status) => statuses.push(status),
      broken: () => statuses.push(-1),
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return { seen, statuses };
}

test("a connection sends one request after the other, each with its key", async () => {
  const { seen, statuses } = await converse("PUT", [7, 12_345_678]);
  expect(seen).toEqual([
    { method: "PUT", url: "/k00000007", body: "vvv" },
    { method: "PUT", url: "/k12345678", body: "vvv" },
  ]);
  expect(statuses).toEqual([204, 503]);
});

test("a GET has no body", async () => {
  const { seen } = await converse("GET", [1]);
  expect(seen).toEqual([{ method: "GET", url: "/k00000001", body: "" }]);
});
