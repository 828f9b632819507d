/** What `npm run bench` was asked for. */
export interface BenchOptions {
  readonly only?: 'turns' | 'synth';
  /** Blocks of turns that each of the two servers gets, alternating. */
  readonly rounds: number;
  /** Syntheses measured, after one that warms up. */
  readonly syntheses: number;
  /** File to write the figures to, as JSON. */
  readonly json?: string;
}

const usage = 'npm run bench -- [--only turns|synth] [--rounds N] [--syntheses N] [--json FILE]';

/** @throws Error that names the argument it does not understand */
export function parseOptions(words: string[]): BenchOptions {
  const options: { -readonly [name in keyof BenchOptions]: BenchOptions[name] } = { rounds: 3, syntheses: 5 };
  for (let index = 0; index < words.length; index += 2) {
    const [name, value] = [words[index], words[index + 1]];
    if (name === '--only' && (value === 'turns' || value === 'synth')) options.only = value;
    else if (name === '--rounds' && /^[1-9]\d*$/.test(value)) options.rounds = Number(value);
    else if (name === '--syntheses' && /^[1-9]\d*$/.test(value)) options.syntheses = Number(value);
    else if (name === '--json' && value) options.json = value;
    else throw new Error(`bench does not understand '${name} ${value ?? ''}', wanted ${usage}`);
  }
  return options;
}
