import { describeError } from '../log';
import { Slots } from '../slots';
import { packageCommand } from './package-command';
import { SandboxFailure } from './sandbox-failure';
import { ToolRunner } from './tool-runner';

/** How a command that Letta ran in a sandbox ended. */
export interface CommandEnd {
  readonly exitCode: number;
  readonly stderr: string;
}

/** What a sandbox has is fixed while its image is: asking again for each run of a tool would only cost time. */
const KEPT_MS = 60_000;
const MOST_KEPT = 1_000;
/** Each question is a run of the sandbox's: a caller may name as many packages as he likes. */
const MOST_ASKED = 16;

/** Answers `pip install …` and `npm install …`: nothing is ever installed, what is there is enough or it is not. */
export class PackageAnswers {
  private readonly asked = new Slots(MOST_ASKED);
  private readonly kept = new Map<string, { readonly end: Promise<CommandEnd>; readonly until: number }>();

  constructor(
    private readonly runner: ToolRunner,
    private readonly now: () => number = Date.now,
  ) {}

  async run(shellCommand: string): Promise<CommandEnd> {
    const command = packageCommand(shellCommand);
    if (command.kind === 'optional')
      return { exitCode: 1, stderr: 'the tool sandbox does not have it, and the tool does without' };
    if (command.kind === 'other') {
      return {
        exitCode: 126,
        stderr:
          'not allowed: the tool sandbox takes pip install and npm install of one plain requirement, and no other command',
      };
    }
    const { manager, requirement } = command;
    const key = `${manager} ${requirement}`;
    const known = this.kept.get(key);
    if (known && known.until > this.now()) return known.end;
    const giveBack = this.asked.take();
    if (giveBack === undefined) {
      const stderr = `the tool sandbox is asked for ${MOST_ASKED} packages already, try again later`;
      return { exitCode: UNAVAILABLE, stderr };
    }
    const end = this.ask(manager, requirement).finally(giveBack);
    this.kept.delete(key);
    if (this.kept.size >= MOST_KEPT) this.kept.delete(this.kept.keys().next().value!);
    this.kept.set(key, { end, until: this.now() + KEPT_MS });
    // A sandbox that failed is asked again.
    end.then(
      ({ exitCode }) => exitCode === UNAVAILABLE && this.kept.delete(key),
      () => undefined,
    );
    return end;
  }

  private async ask(manager: 'pip' | 'npm', requirement: string): Promise<CommandEnd> {
    try {
      const { missing } = await this.runner.packages({ kind: 'packages', manager, requirements: [requirement] });
      if (missing.length === 0) return { exitCode: 0, stderr: '' };
      const reasons = missing.map(({ requirement: wanted, reason }) => `${wanted}: ${reason}`).join('; ');
      return {
        exitCode: 1,
        stderr: `the tool sandbox installs nothing at run time, and ${reasons}. ${this.runner.remedy}`,
      };
    } catch (error) {
      const reason = error instanceof SandboxFailure ? error.message : describeError(error);
      return { exitCode: UNAVAILABLE, stderr: `the tool sandbox could not be asked for ${requirement}: ${reason}` };
    }
  }
}

const UNAVAILABLE = 69;
