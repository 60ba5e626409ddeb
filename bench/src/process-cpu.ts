import { readFileSync } from "node:fs";

/** Clock ticks per second in /proc, the same on every Linux that Node runs on. */
const TICKS = 100;

/** CPU seconds that a process has used; 0 where there is no /proc. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // After the command's name, which may contain anything, in parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return 0;
  }
}
