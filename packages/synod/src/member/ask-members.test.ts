import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { askMembers } from "./ask-members.ts";

let server: Server;

afterEach(() => {
  vi.restoreAllMocks();
  server.close();
});

/** A node that answers a change when it has told for the second time what it waits for. */
async function slowNode(reasons: readonly string[]): Promise<string> {
  let told = 0;
  let finish = (): void => {};
  server = createServer((request, response) => {
    request.resume();
    if (request.method === "PATCH") {
      finish = () => response.end(JSON.stringify({ configuration: 3, began: 17 }));
      return;
    }
    response.end(JSON.stringify({ waitsFor: reasons[told] }));
    told += 1;
    if (told === reasons.length) setTimeout(finish, 100);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("what a change waits for is said once, and again when that is another", async () => {
  const lines: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((line) => lines.push(String(line)) > 0);
  const reasons = ["3 and 4 lack the state", "3 and 4 lack the state", "", "4 lacks the state"];
  const options = { url: [await slowNode(reasons)], timeout: 60_000 };
  const made = await askMembers({ method: "PATCH", body: { remove: [1] } }, options);
  expect(made).toEqual({ configuration: 3, began: 17 });
  expect(lines).toEqual([
    "synod: the change waits: 3 and 4 lack the state\n",
    "synod: the change waits: 4 lacks the state\n",
  ]);
});
