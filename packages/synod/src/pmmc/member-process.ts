import { pmmc } from "@synod/core/protocols/pmmc";
import { createNode, type SynodNode } from "@synod/node";
import { createCalculator } from "./calculator.ts";
import type { FromMember, MemberTask, ToMember } from "./member-messages.ts";
import { WINDOW } from "./settings.ts";
import { ATTEMPT_MS } from "./stage.ts";

/** The process of one member of `synod pmmc --processes`; it ends with its parent. */

const LOOK_MS = 20;
const decoder = new TextDecoder();
const task = JSON.parse(process.argv[2] ?? "") as MemberTask;
const calculator = task.executes ? createCalculator() : null;

function say(message: FromMember): void {
  if (process.connected) process.send?.(message);
}

function look(node: SynodNode): void {
  const { executedUpTo, replica } = node.status();
  const sight = {
    executedUpTo: executedUpTo.index,
    value: calculator?.value() ?? null,
    leads: replica.role === "leader",
    epoch: replica.detail["epoch"] ?? 0,
  };
  say({ kind: "sight", sight });
}

async function answer(node: SynodNode, { token, payload, session }: ToMember): Promise<void> {
  const bytes = Uint8Array.from(Buffer.from(payload, "base64"));
  const what = session === null ? ({ kind: "configure" } as const) : { session };
  const options = { deadlineMs: ATTEMPT_MS, ...what };
  const result = await node.propose(bytes, options).then(
    (done) => decoder.decode(done.result),
    () => null,
  );
  say({ kind: "answer", token, result });
}

const node = await createNode({
  id: task.id,
  configuration: task.configuration,
  directory: task.directory,
  protocol: pmmc,
  machine: calculator,
  protocolTuning: { window: WINDOW },
  observe: (event, detail) => {
    if (event !== "epoch") return;
    const { number, first, leaders, acceptors } = detail;
    say({
      kind: "epoch",
      number: Number(number),
      first: Number(first),
      leaders: `${leaders}`,
      acceptors: `${acceptors}`,
    });
  },
});
process.on("message", (message) => void answer(node, message as ToMember));
process.on("disconnect", () => process.exit());
setInterval(() => look(node), LOOK_MS);
look(node);
