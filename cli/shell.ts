/** What the commands see of the process. */
export interface Shell {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Whether somebody reads along, or a file or another program does. */
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  /** Characters in a line of the terminal. */
  readonly columns: number;
  readonly environment: Record<string, string | undefined>;
}

/** That of this process. `NO_COLOR` is heeded: https://no-color.org */
export function processShell(): Shell {
  const isTerminal = process.stdout.isTTY === true;
  return {
    out: (text) => process.stdout.write(text),
    error: (text) => process.stderr.write(text),
    isTerminal,
    hasColours: isTerminal && !process.env.NO_COLOR,
    columns: process.stdout.columns ?? 100,
    environment: process.env,
  };
}
