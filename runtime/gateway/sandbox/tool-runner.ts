import { SandboxPackageAnswer, SandboxPackageQuestion, SandboxRun, SandboxRunAnswer } from '../../contract';

/** Where callers' tools run. */
export interface ToolRunner {
  /** How whoever runs the service makes a package available, for an agent's error. */
  readonly remedy: string;
  /**
   * @param tenant shares its place with earlier runs of the same name, and with nobody else's
   * @param hungUp aborted when nobody waits for the answer any more
   * @param answerBegins awaited before an answer is taken in: those of all runs at once would be too much memory
   * @throws SandboxFailure for all that is not the tool's own doing, or that ended its place as well
   */
  run(
    run: SandboxRun,
    tenant: string,
    hungUp: AbortSignal,
    answerBegins?: () => Promise<void>,
  ): Promise<SandboxRunAnswer>;
  /** @throws SandboxFailure */
  packages(question: SandboxPackageQuestion): Promise<SandboxPackageAnswer>;
  /** Gives up what is kept for later runs. */
  stop(): Promise<void>;
}
