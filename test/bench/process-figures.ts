import { readFileSync } from 'node:fs';
import { descendants } from './process-tree';

/** Of Linux, whatever the machine: `sysconf(_SC_CLK_TCK)`. */
const TICKS_PER_SECOND = 100;

/** Seconds of processor time that a process has taken, user and system, all threads. */
export function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold spaces; fields are counted after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return (user + system) / TICKS_PER_SECOND;
}

/** Resident memory in MiB. */
export function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}

/** The same of a process and all that it started. */
export function treeProcessorSeconds(root: number): number {
  return descendants(root).reduce((sum, pid) => sum + processorSeconds(pid), 0);
}
