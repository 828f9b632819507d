/** What can be measured by itself. */
const parts = ['turns', 'tools', 'gateway', 'soak', 'archival', 'synth'] as const;
export type BenchPart = (typeof parts)[number];

/** What `npm run bench` was asked for. */
export interface BenchOptions {
  readonly only?: BenchPart;
  /**
   * Blocks of turns that each of the two servers gets, rounds of tool calls and of the gateway's latency, searches of each case.
   *
   * @default 3, 3, 5 and 15
   */
  readonly rounds?: number;
  /** Syntheses measured, after one that warms up. */
  readonly syntheses: number;
  /** Seconds that the soak goes on. */
  readonly seconds: number;
  /** File to write the figures to, as JSON. */
  readonly json?: string;
}

const usage = `npm run bench -- [--only ${parts.join('|')}] [--rounds N] [--syntheses N] [--seconds N] [--json FILE]`;

/** @throws Error that names the argument it does not understand */
export function parseOptions(words: string[]): BenchOptions {
  const options: { -readonly [name in keyof BenchOptions]: BenchOptions[name] } = { syntheses: 5, seconds: 180 };
  for (let index = 0; index < words.length; index += 2) {
    const [name, value] = [words[index], words[index + 1] as string | undefined];
    const part = parts.find((one) => one === value);
    const number = value !== undefined && /^[1-9]\d*$/.test(value) ? Number(value) : undefined;
    if (name === '--only' && part) options.only = part;
    else if (name === '--rounds' && number) options.rounds = number;
    else if (name === '--syntheses' && number) options.syntheses = number;
    // Shorter than this there are no quarters to compare.
    else if (name === '--seconds' && number && number >= 10) options.seconds = number;
    else if (name === '--json' && value) options.json = value;
    else throw new Error(`bench does not understand '${name} ${value ?? ''}', wanted ${usage}`);
  }
  return options;
}
