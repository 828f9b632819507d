import { Command, InvalidArgumentError, Option } from 'commander';
import * as fs from 'fs';
import * as path from 'path';
import { Estimate, estimate } from './cost/estimate';
import { markdown } from './cost/markdown';
import { PriceTable } from './cost/price-table';
import { COLOURS, PLAIN, table } from './cost/table';
import { Shell } from './shell';
import { Synthesized, readAssembly, readTemplate } from './synthesized';
import { UsageError } from './usage-error';

interface Options {
  readonly app: string;
  readonly template?: string;
  readonly region?: string;
  readonly model?: string[];
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly calls: number;
  readonly prices?: string;
  readonly format?: 'table' | 'json' | 'markdown';
  readonly write: boolean;
}

export function costCommand(shell: Shell): Command {
  return new Command('cost')
    .summary('what a synthesized stack costs a month')
    .description(
      'Lists what AWS charges for in a synthesized stack, with a monthly estimate from the dated price table of this ' +
        'package, what is billed by use, what is of unknown price, and what 1,000 turns of its models cost. It calls nobody.',
    )
    .argument('[stack]', 'name of the stack; may be left out when there is one only')
    .option('-a, --app <folder>', 'what cdk synth wrote', 'cdk.out')
    .option('-t, --template <file>', 'a template in JSON, in place of --app')
    .option('-r, --region <region>', "where it is deployed (default: the stack's region, then AWS_REGION)")
    .option('-m, --model <id>', "a model or inference profile, may be given again (default: the stack's)", listed)
    .option('--input-tokens <number>', 'tokens that one call of the model reads', wholeNumber, 8000)
    .option('--output-tokens <number>', 'tokens that one call of the model writes', wholeNumber, 300)
    .option('--calls <number>', 'calls of the model in one turn', wholeNumber, 1)
    .option('--prices <file>', "prices of your own, in the form of this package's cli/cost/prices.json")
    .addOption(
      new Option('-f, --format <format>', 'how it is printed (default: table in a terminal, json elsewhere)').choices([
        'table',
        'json',
        'markdown',
      ]),
    )
    .option('-w, --write', 'also writes it as STACK.cost.md beside the template', false)
    .action((stackName: string | undefined, options: Options) => run(shell, stackName, options));
}

function run(shell: Shell, stackName: string | undefined, options: Options): void {
  if (options.template !== undefined && stackName !== undefined) {
    throw new UsageError(
      `'${stackName}' and --template are both given, wanted one of them: leave the stack's name out`,
    );
  }
  const stack = options.template === undefined ? readAssembly(options.app, stackName) : readTemplate(options.template);
  const prices = PriceTable.read(options.prices);
  const result = estimate(stack, {
    region: regionOf(shell, stack, options, prices),
    table: prices,
    turn: { inputTokens: options.inputTokens, outputTokens: options.outputTokens, calls: options.calls },
    models: options.model,
  });
  if (options.write) writeBeside(shell, stack, result);
  shell.out(print(shell, options.format ?? (shell.isTerminal ? 'table' : 'json'), result));
}

function regionOf(shell: Shell, stack: Synthesized, { region }: Options, table: PriceTable): string {
  const known = `the price table has ${table.regions.join(', ')}`;
  const found = region ?? stack.region ?? shell.environment.AWS_REGION ?? shell.environment.AWS_DEFAULT_REGION;
  if (!found) throw new UsageError(`the region of ${stack.name} is left to the credentials: give --region (${known})`);
  if (table.regions.includes(found)) return found;
  throw new UsageError(`no prices of ${found}, ${known}: give those of ${found} by --prices, as docs/cost.md says`);
}

function print(shell: Shell, format: string, result: Estimate): string {
  if (format === 'markdown') return markdown(result);
  if (format === 'json') return JSON.stringify(result, undefined, 2) + '\n';
  return table(result, shell.hasColours ? COLOURS : PLAIN);
}

function writeBeside(shell: Shell, stack: Synthesized, result: Estimate): void {
  const file = path.join(path.dirname(stack.file), `${path.basename(stack.name)}.cost.md`);
  try {
    fs.writeFileSync(file, markdown(result));
  } catch (error) {
    throw new UsageError(`${file}: cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
  shell.error(`written: ${file}\n`);
}

function listed(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function wholeNumber(value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('wanted a whole number such as 500.');
}
