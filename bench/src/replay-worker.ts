import { setTimeout as sleep } from "node:timers/promises";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { KeyValueMachine, keyValue } from "@synod/machines";
import { createNode, formatNode, type SynodNode } from "@synod/node";
import type { Outcome } from "@synod/runtime";

/**
 * A process of its own for each half: `write DIRECTORY COMMANDS PORT` fills a journal through the
 * host, `replay …` starts on it and tells how long that took. One member, so that nothing but the
 * disk, the journal, the protocol and the machine takes part.
 */
const [what, directory = "", count = "", port = ""] = process.argv.slice(2);
const COMMANDS = Number(count);
const CLUSTER = "b".repeat(32);
const VALUE = new Uint8Array(256).fill(7);
const KEYS = 10_000;
const OUTSTANDING = 1_000;
/** Never reached: no snapshot is written. */
const JOURNAL_BYTES_MAX = 2 ** 50;

export type ReplayMessage =
  | { readonly kind: "written"; readonly journalBytes: number }
  | {
      readonly kind: "replayed";
      readonly ms: number;
      readonly commands: number;
      readonly rssBytes: number;
    };

let executed = 0;

function open(): Promise<SynodNode> {
  const member = { id: 0, address: `127.0.0.1:${port}`, zone: "", roles: [] };
  const machine = new KeyValueMachine();
  const apply = machine.apply.bind(machine);
  machine.apply = (payload) => {
    executed += 1;
    return apply(payload);
  };
  return createNode({
    id: 0,
    configuration: { number: 1, cluster: CLUSTER, members: [member], quorums: null },
    directory,
    protocol: multipaxos,
    machine,
    tuning: { journalBytesMax: JOURNAL_BYTES_MAX },
  });
}

async function write(): Promise<void> {
  await formatNode({ directory, cluster: CLUSTER, id: 0, registeredPeers: [] });
  const node = await open();
  await new Promise<void>((resolve, reject) => {
    let sent = 0;
    let done = 0;
    const next = (): void => {
      if (sent === COMMANDS) return;
      const key = `k${String(sent % KEYS).padStart(7, "0")}`;
      sent += 1;
      node.submit(keyValue.put(key, VALUE), null, 60_000, { answered });
    };
    const answered = (outcome: Outcome): void => {
      if (outcome.kind === "failed") return reject(new Error(outcome.message));
      done += 1;
      if (done === COMMANDS) resolve();
      else next();
    };
    for (let index = 0; index < OUTSTANDING; index += 1) next();
  });
  process.send?.({
    kind: "written",
    journalBytes: node.status().journalBytes,
  } satisfies ReplayMessage);
  await node.close();
}

async function replay(): Promise<void> {
  const begun = performance.now();
  const node = await open();
  while (executed < COMMANDS) await sleep(2);
  const ms = performance.now() - begun;
  const rssBytes = process.memoryUsage.rss();
  process.send?.({ kind: "replayed", ms, commands: executed, rssBytes } satisfies ReplayMessage);
  await node.close();
}

// Also when whoever started this is gone.
process.on("disconnect", () => process.exit());
await (what === "write" ? write() : replay());
process.disconnect?.();
