import { readdirSync, readlinkSync } from 'node:fs';

/** All processes in the process space of a container's first process. */
export function processesOf(pid: number): string[] {
  const space = readlinkSync(`/proc/${pid}/ns/pid`);
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/ns/pid`) === space;
    } catch {
      return false;
    }
  });
}
