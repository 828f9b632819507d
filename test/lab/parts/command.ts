import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Options of {@link run}. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** Command that installs the program, named when it is missing. */
  readonly install?: string;
}

/**
 * Runs a program to its end and returns what it printed.
 *
 * @throws when it is missing (naming `install`) or fails (with the end of what it printed)
 */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { install, ...spawnOptions } = options;
  try {
    const { stdout } = await execute(command, args, { ...spawnOptions, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const failure = error as NodeJS.ErrnoException & { stdout?: string; stderr?: string };
    if (failure.code === 'ENOENT') {
      throw new Error(`${command} is not installed or not on PATH${install ? `; install it with: ${install}` : ''}`);
    }
    const output = `${failure.stdout ?? ''}${failure.stderr ?? ''}`.trim().slice(-2000);
    throw new Error(`${command} ${args.join(' ')} failed (${failure.code ?? 'killed'}): ${output}`);
  }
}
