import { createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { CommandFailure } from "../exit-codes.ts";
import { checkPorts } from "./free-ports.ts";

const servers: Server[] = [];

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return { server, port: address.port };
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

test("names the taken port, what it was for, and the way out", async () => {
  const free = await listen();
  await new Promise((done) => free.server.close(done));
  const taken = await listen();
  const wanted = [
    { host: "127.0.0.1", port: free.port, purpose: "HTTP of node 0" },
    { host: "127.0.0.1", port: taken.port, purpose: "peers of node 0" },
  ];
  const error = await checkPorts(wanted).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CommandFailure);
  const { exit, message } = error as CommandFailure;
  expect(exit).toBe("port");
  expect(message).toContain(`port ${taken.port} (peers of node 0) is taken`);
  expect(message).toContain("--base-port");
  // The free one is free again, and the check is content without the taken one.
  await checkPorts(wanted.slice(0, 1));
  await checkPorts(wanted.slice(0, 1));
});
