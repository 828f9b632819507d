import { readFileSync } from 'node:fs';
import type { Postgres } from '../../lab/parts/postgres';
import { descendants } from '../process-tree';

/** Looks at the memory of a server, pages that its processes share counted once, until `stop` tells the most in bytes. */
export async function watchServerMemory(postgres: Postgres): Promise<{ stop(): number }> {
  const file = `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid`;
  const [{ pid }] = await postgres.sql<{ pid: number }>(file);
  let most = 0;
  const look = () => {
    const sum = descendants(pid).reduce((bytes, process) => bytes + proportional(process), 0);
    most = Math.max(most, sum);
  };
  look();
  const timer = setInterval(look, 500);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return most;
    },
  };
}

function proportional(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has just ended
  }
}
