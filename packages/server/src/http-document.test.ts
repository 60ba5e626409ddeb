import { expect, test } from "vitest";
import { nodeStatus } from "./node-status.ts";
import { codeIn, documentTable } from "./testing/document.ts";
import { STATUS } from "./testing/fake-backend.ts";
import { httpHarness } from "./testing/http-harness.ts";

const node = httpHarness();

test("the examples of docs/http.md are answered as shown", async () => {
  const examples = documentTable("http.md", "By example");
  expect(examples.length).toBeGreaterThan(10);
  for (const [request = "", body = "", status, answer = ""] of examples) {
    const [line = ""] = codeIn(request);
    const [method = "", path = ""] = line.split(" ");
    const [sent] = codeIn(body);
    const seen = await node.ask(method, path, sent === undefined ? {} : { body: sent });
    expect([line, String(seen.status)]).toEqual([line, status]);
    const [shown = ""] = codeIn(answer);
    const [name = "", value] = shown.split(": ");
    if (value !== undefined) expect([line, seen.headers[name]]).toEqual([line, value]);
    else if (seen.status === 200) expect([line, seen.body]).toEqual([line, shown]);
    else expect(JSON.parse(seen.body)).toMatchObject({ code: shown });
  }
});

test("docs/http.md names every field of the status, and no other", async () => {
  const told = documentTable("http.md", "Status").flatMap(([fields = ""]) => codeIn(fields));
  expect([...told].sort()).toEqual(Object.keys(nodeStatus(STATUS)).sort());
});

test("docs/http.md names every metric of ours with its help", async () => {
  const { body } = await node.ask("GET", "/_synod/metrics");
  const helps = [...body.matchAll(/^# HELP (synod_\S+) (.+)$/gm)].map(([, name, help]) => [
    `\`${name}\``,
    help,
  ]);
  expect(helps.length).toBeGreaterThan(15);
  const told = documentTable("http.md", "Metrics");
  expect(sorted(told)).toEqual(sorted(helps as string[][]));
});

test("docs/http.md names every path of the node itself", async () => {
  const told = documentTable("http.md", "The node itself").flatMap(([path = ""]) => codeIn(path));
  expect(told).toHaveLength(5);
  for (const path of told)
    expect([path, (await node.ask("GET", path)).status]).toEqual([path, 200]);
  const { body } = await node.ask("GET", "/_synod/none");
  for (const path of told) expect(body).toContain(path.replace("/_synod/", ""));
});

function sorted(rows: readonly (readonly string[])[]): string[] {
  return rows.map((row) => row.join(" ")).sort();
}
