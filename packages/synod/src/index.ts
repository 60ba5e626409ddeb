/** The command `synod`, for those who run it within another process. */
export { EXIT_CODES, type ExitName } from "./exit-codes.ts";
export { main } from "./main.ts";
