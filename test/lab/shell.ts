import { execFileSync } from 'node:child_process';

/** Runs a command to its end and returns what it printed; an error says the command and what it printed. */
export function run(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  } catch (error) {
    const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string };
    throw new Error(`${[command, ...args].join(' ')} failed: ${stderr?.trim() || stdout?.trim() || message}`);
  }
}

/** The same for a clean-up step that may find nothing left to clean. */
export function tryRun(command: string, ...args: string[]): boolean {
  try {
    run(command, ...args);
    return true;
  } catch {
    return false;
  }
}
