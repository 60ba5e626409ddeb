import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeId } from "@synod/core";
import { formatNode } from "@synod/node";
import { freeBasePort } from "../demo/free-ports.ts";
import { CommandFailure } from "../exit-codes.ts";
import type { FromMember, ToMember } from "./member-messages.ts";
import { configurationFor, type Part } from "./settings.ts";
import { ATTEMPT_MS, type Sight, type Stage } from "./stage.ts";

const MEMBER = fileURLToPath(new URL("./member-process.js", import.meta.url));
/** Beyond what the member itself allows for an answer. */
const SLACK_MS = 500;

interface Actor {
  readonly child: ChildProcess;
  sight: Sight | null;
  dead: boolean;
}

/** A process for each member, on directories of their own that are removed at the end. */
export async function createProcessStage(
  parts: readonly Part[],
): Promise<Stage & { readonly close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "synod-pmmc-"));
  const cluster = randomBytes(16).toString("hex");
  const port = await freeBasePort(parts.length);
  const configuration = configurationFor(parts, cluster, (id) => `127.0.0.1:${port + id}`);
  const directory = (id: NodeId): string => join(folder, `member-${id}`);
  await formatAll(parts, cluster, directory);
  const waiting = new Map<number, (result: string | null) => void>();
  const epochs: Parameters<Stage["onEpoch"]>[0][] = [];
  let tokens = 0;
  let lastEpoch = 0;

  function heard(actor: Actor, message: FromMember): void {
    if (message.kind === "sight") actor.sight = message.sight;
    if (message.kind === "answer") {
      waiting.get(message.token)?.(message.result);
      waiting.delete(message.token);
    }
    if (message.kind !== "epoch" || message.number <= lastEpoch) return;
    lastEpoch = message.number;
    const { number, first, leaders, acceptors } = message;
    for (const listener of epochs) listener(number, first, leaders, acceptors);
  }

  const actors = parts.map(({ id, role }): Actor => {
    const own = { id, configuration, directory: directory(id), executes: role === "replica" };
    const child = fork(MEMBER, [JSON.stringify(own)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const actor: Actor = { child, sight: null, dead: false };
    child.on("message", (message) => heard(actor, message as FromMember));
    child.on("exit", () => {
      actor.dead = true;
    });
    return actor;
  });
  const close = async (): Promise<void> => {
    for (const { child, dead } of actors) if (!dead) child.kill("SIGKILL");
    await Promise.all(
      actors.map(({ child }) => child.exitCode ?? child.signalCode ?? once(child, "exit")),
    );
    await rm(folder, { recursive: true, force: true });
  };
  const started = await Promise.all(actors.map(({ child }) => firstWord(child)));
  const failed = started.findIndex((isUp) => !isUp);
  if (failed >= 0) {
    await close();
    throw new CommandFailure("failure", `the process of member ${failed} did not start`);
  }
  const beganMs = performance.now();

  return {
    now: () => performance.now() - beganMs,
    after: (ms, run) => {
      setTimeout(run, ms).unref();
    },
    request: (id, { payload, session }, done) => {
      const actor = actors[id] as Actor;
      tokens += 1;
      const token = tokens;
      waiting.set(token, done);
      setTimeout(() => {
        waiting.get(token)?.(null);
        waiting.delete(token);
      }, ATTEMPT_MS + SLACK_MS);
      const request: ToMember = {
        token,
        payload: Buffer.from(payload).toString("base64"),
        session,
      };
      if (!actor.dead) actor.child.send(request);
    },
    kill: (id) => {
      const actor = actors[id] as Actor;
      actor.dead = true;
      actor.child.kill("SIGKILL");
    },
    sight: (id) => (actors[id]?.dead === true ? null : (actors[id]?.sight ?? null)),
    onEpoch: (listener) => {
      epochs.push(listener);
    },
    close,
  };
}

/** True once it says that it is up; false when it ends before. */
function firstWord(child: ChildProcess): Promise<boolean> {
  return Promise.race([
    once(child, "message").then(() => true),
    once(child, "exit").then(() => false),
  ]);
}

/** As one who knows all members does it: they may vote from their first second. */
async function formatAll(
  parts: readonly Part[],
  cluster: string,
  directory: (id: NodeId) => string,
): Promise<void> {
  const all = parts.map(({ id }) => ({
    node: id,
    dataId: randomBytes(16).toString("hex"),
    incarnation: 0,
    boot: 0,
  }));
  for (const { node, dataId } of all) {
    const registeredPeers = all.filter((peer) => peer.node !== node);
    await formatNode({ directory: directory(node), cluster, id: node, dataId, registeredPeers });
  }
}
