import { SynodError, type SynodErrorCode } from "@synod/node";
import { CommandFailure, type ExitName } from "./exit-codes.ts";

/** Codes that have an exit code of their own; all others are a failure like any other. */
const EXITS: Partial<Record<SynodErrorCode, ExitName>> = {
  "in-use": "port",
  locked: "locked",
  foreign: "foreign",
  damaged: "disk",
  disk: "disk",
  invalid: "usage",
};

/** What somebody at a terminal can do about it. */
const ADVICE: Partial<Record<SynodErrorCode, string>> = {
  "in-use": "stop what uses the port, or give the node another one in the cluster file",
  locked: "stop the other process, or choose another directory",
  foreign: "choose another directory, or the id, cluster and protocol that it was made for",
};

/** A failure of a node, as the command says it. `about` names the directory or node concerned. */
export function synodFailure(error: unknown, about: string): CommandFailure {
  if (error instanceof CommandFailure) return error;
  const { code, message } = SynodError.from(error);
  const advice = ADVICE[code];
  const text = `${about}: ${message}${advice === undefined ? "" : `; ${advice}`}`;
  return new CommandFailure(EXITS[code] ?? "failure", text);
}
