import { SERVER_PROTOCOL_NAMES } from "@synod/server";
import { Option } from "commander";

/** What keeps the log of a server. */
export function protocolOption(description: string): Option {
  return new Option("--protocol <name>", description).choices(SERVER_PROTOCOL_NAMES);
}
