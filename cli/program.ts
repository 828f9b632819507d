import { Command, CommanderError } from 'commander';
import { costCommand } from './cost-command';
import { Shell } from './shell';
import { UsageError } from './usage-error';
import { version } from '../package.json';

/** Exit codes, as the help says. */
export enum ExitCode {
  DONE = 0,
  FAILED = 1,
  BAD_INPUT = 2,
}

const EXIT_CODES = `
Exit codes:
  0  done
  1  failed for a reason that is no fault of the command line
  2  the command line, or a file that it names, is not as wanted
`;

/** Runs one command line, e.g. `['cost', 'Letta']`, and says how it ended. */
export async function run(args: string[], shell: Shell): Promise<ExitCode> {
  try {
    await program(shell).parseAsync(args, { from: 'user' });
    return ExitCode.DONE;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.DONE : ExitCode.BAD_INPUT;
    const { message, stack } = error as Error;
    shell.error(`cdk-letta: ${shell.environment.DEBUG && !(error instanceof UsageError) ? stack : message}\n`);
    return error instanceof UsageError ? ExitCode.BAD_INPUT : ExitCode.FAILED;
  }
}

function program(shell: Shell): Command {
  const root = new Command('cdk-letta')
    .description('What to know of a Letta server on AWS before and after it is deployed.')
    .version(version, '-V, --version', 'print the version')
    .helpCommand(false)
    .showHelpAfterError(false)
    .addHelpText('after', EXIT_CODES);
  root.addCommand(costCommand(shell).addHelpText('after', EXIT_CODES));
  for (const command of [root, ...root.commands]) {
    command
      .helpOption('-h, --help', 'print this')
      .exitOverride()
      .configureOutput({
        writeOut: shell.out,
        writeErr: shell.error,
        getOutHelpWidth: () => shell.columns,
        getErrHelpWidth: () => shell.columns,
        outputError: (text, write) =>
          write(
            `cdk-letta: ${text
              .replace(/^error: /, '')
              .trim()
              .replace(/\n/g, ' ')}\n`,
          ),
      });
  }
  return root;
}
