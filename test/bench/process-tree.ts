import { readdirSync, readFileSync } from 'node:fs';

/** Most memory a process tree was seen with, in bytes. */
export interface PeakMemory {
  /** Peak of the largest process, as the kernel keeps it. */
  readonly largest: number;
  /** Most that all of them had at the same time; pages they share count for each. */
  readonly tree: number;
}

/** Looks at a process and all its descendants, every few milliseconds, until `stop`. */
export function watchMemory(root: number, interval = 100): { stop(): PeakMemory } {
  let [largest, tree] = [0, 0];
  const look = () => {
    const statuses = descendants(root).map(status);
    largest = Math.max(largest, ...statuses.map(({ peak }) => peak));
    tree = Math.max(
      tree,
      statuses.reduce((sum, { resident }) => sum + resident, 0),
    );
  };
  look();
  const timer = setInterval(look, interval);
  return {
    stop: () => {
      clearInterval(timer);
      return { largest, tree };
    },
  };
}

/** A process and all that it started, as far as they still run. */
export function descendants(pid: number): number[] {
  const children = threads(pid).flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' '));
  return [pid, ...children.filter(Boolean).flatMap((child) => descendants(Number(child)))];
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it has just ended
  }
}

function status(pid: number): { peak: number; resident: number } {
  const text = read(`/proc/${pid}/status`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { peak: field('VmHWM'), resident: field('VmRSS') };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return ''; // it has just ended
  }
}
