import {
  BedrockAgentCoreClient,
  BedrockAgentCoreClientConfig,
  InvokeCodeInterpreterCommand,
  StartCodeInterpreterSessionCommand,
  StopCodeInterpreterSessionCommand,
} from '@aws-sdk/client-bedrock-agentcore';
import {
  SandboxMaximum,
  SandboxPackageAnswer,
  SandboxPackageQuestion,
  SandboxRun,
  SandboxRunAnswer,
  SandboxSettings,
} from '../../contract';
import { InterpreterOutput, interpreterScript } from './interpreter-script';
import { HeldSession, InterpreterSessions, NotBegun, SessionUse } from './interpreter-sessions';
import { isThrottled, retryThrottled } from './retry-throttled';
import { packageAnswer, runAnswer } from './sandbox-answers';
import { couldNotRun, SandboxFailure } from './sandbox-failure';
import { packageScript } from './package-script';
import { ToolRunner } from './tool-runner';

type CodeInterpreterSettings = Extract<SandboxSettings, { readonly kind: 'codeInterpreter' }>;

/** What a session's start and AgentCore's own time take besides the run. */
const START_MS = 20_000;
/** Below what the gateway keeps back of its stop time-out. */
const STOP_MS = 3_000;
const PACKAGES_TIMEOUT_MS = 25_000;
/** AgentCore keeps a session for so long at most, whatever is said (StartCodeInterpreterSession). */
const MOST_SESSION_SECONDS = 28_800;
/** A session for one run lives so much longer than that run may, its start included. */
const ONE_RUN_MORE_SECONDS = 60;
/** Of one task. Each holds memory that AWS charges for, and is one of an account's quota. */
const MOST_SESSIONS = 64;
/** What a run may print and still be read: what is more would be held in memory. */
const MOST_OUTPUT = 2 * SandboxMaximum.OUTPUT + 3 * SandboxMaximum.RESULT;

/** The SDK must not try again by itself: what it took for lost may have run. */
export function createCodeInterpreterRunner(
  configuration: BedrockAgentCoreClientConfig,
  settings: CodeInterpreterSettings,
): ToolRunner {
  return new CodeInterpreterRunner(new BedrockAgentCoreClient({ ...configuration, maxAttempts: 1 }), settings);
}

/** Tools run in sessions of AgentCore's code interpreter: one of each agent, which keeps what its runs leave in it. */
export class CodeInterpreterRunner implements ToolRunner {
  readonly remedy =
    'A code interpreter has what AWS put there; ToolSandbox.function({ packages }) takes packages of yours';
  private readonly sessions: InterpreterSessions;

  constructor(
    private readonly client: BedrockAgentCoreClient,
    private readonly settings: CodeInterpreterSettings,
  ) {
    const service = { start: (kept: boolean) => this.start(kept), stop: (session: string) => this.end(session) };
    this.sessions = new InterpreterSessions(service, {
      most: MOST_SESSIONS,
      idleMs: settings.sessionIdleSeconds * 1000,
      oldestMs: (MOST_SESSION_SECONDS - settings.timeoutSeconds) * 1000 - START_MS,
    });
  }

  async run(
    run: SandboxRun,
    tenant: string,
    hungUp: AbortSignal,
    answerBegins?: () => Promise<void>,
  ): Promise<SandboxRunAnswer> {
    if (run.language !== 'python') {
      throw new SandboxFailure('error', `the tool sandbox is a code interpreter for Python, got ${run.language}`);
    }
    // Of all tenants only agents are named again.
    const use = { tenant, keep: tenant.startsWith('agent-'), hungUp };
    return this.inSession(use, async (session) => {
      const deadline = AbortSignal.any([AbortSignal.timeout(run.timeoutMs + START_MS), hungUp]);
      const { script, read } = interpreterScript(run);
      const output = await this.execute(session.id, script, deadline, hungUp);
      await answerBegins?.();
      const answer = runAnswer(read(output));
      // Its threads may go on.
      if (answer.outcome === 'timeout' || answer.outcome === 'memory') session.end();
      return answer;
    });
  }

  async packages(question: SandboxPackageQuestion): Promise<SandboxPackageAnswer> {
    if (question.manager === 'npm') {
      const reason = 'a code interpreter runs Python tools only';
      return { missing: question.requirements.map((requirement) => ({ requirement, reason })) };
    }
    const never = new AbortController().signal;
    return this.inSession({ tenant: 'packages', keep: true, hungUp: never }, async ({ id }) => {
      const { script, read } = packageScript(question.requirements);
      return packageAnswer(read(await this.execute(id, script, AbortSignal.timeout(PACKAGES_TIMEOUT_MS), never)));
    });
  }

  async stop(): Promise<void> {
    await this.sessions.stop();
    this.client.destroy();
  }

  private async inSession<T>(use: SessionUse, work: (session: HeldSession) => Promise<T>): Promise<T> {
    try {
      return await this.sessions.use(use, work);
    } catch (error) {
      throw asFailure(error);
    }
  }

  /** One that is not kept is told its end at once: it may be that nobody can stop it. */
  private async start(kept: boolean): Promise<string> {
    const { codeInterpreterId: codeInterpreterIdentifier, timeoutSeconds } = this.settings;
    const { sessionId } = await this.client.send(
      new StartCodeInterpreterSessionCommand({
        codeInterpreterIdentifier,
        sessionTimeoutSeconds: kept ? MOST_SESSION_SECONDS : timeoutSeconds + ONE_RUN_MORE_SECONDS,
      }),
      { abortSignal: AbortSignal.timeout(START_MS) },
    );
    return sessionId!;
  }

  /** What cannot be stopped ends by its own time-out. */
  private async end(sessionId: string): Promise<void> {
    const { codeInterpreterId: codeInterpreterIdentifier } = this.settings;
    const command = new StopCodeInterpreterSessionCommand({ codeInterpreterIdentifier, sessionId });
    const deadline = AbortSignal.timeout(STOP_MS);
    try {
      await retryThrottled(() => this.client.send(command, { abortSignal: deadline }), deadline);
    } catch {
      // It has ended already, or ends by itself.
    }
  }

  private async execute(sessionId: string, code: string, deadline: AbortSignal, hungUp: AbortSignal) {
    const output: InterpreterOutput = { stdout: '', stderr: '' };
    try {
      const command = new InvokeCodeInterpreterCommand({
        codeInterpreterIdentifier: this.settings.codeInterpreterId,
        sessionId,
        name: 'executeCode',
        arguments: { code, language: 'python', clearContext: false },
      });
      const { stream } = await retryThrottled(
        () => this.client.send(command, { abortSignal: deadline }),
        deadline,
      ).catch((error: unknown) => {
        throw isThrottled(error) ? new NotBegun(error) : error;
      });
      for await (const event of until(stream ?? [], deadline)) {
        if (event.result === undefined) throw Object.values(event)[0];
        const { structuredContent } = event.result;
        output.stdout += structuredContent?.stdout ?? '';
        output.stderr += structuredContent?.stderr ?? '';
        if (output.stdout.length + output.stderr.length > MOST_OUTPUT) {
          throw new SandboxFailure('size', 'the tool printed more than its sandbox takes, which was ended');
        }
      }
      return output;
    } catch (error) {
      if (hungUp.aborted) throw new SandboxFailure('died', 'nobody waits for the tool any more');
      if (deadline.aborted) throw new SandboxFailure('timeout', 'the tool took too long, and its sandbox was ended');
      throw error;
    }
  }
}

/** The SDK's signal ends with the head of an answer. */
async function* until<T>(stream: AsyncIterable<T> | Iterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  aborted.catch(() => undefined);
  for (;;) {
    const next = await Promise.race([iterator.next(), aborted]);
    if (next.done) return;
    yield next.value;
  }
}

function asFailure(error: unknown): SandboxFailure {
  if (error instanceof SandboxFailure) return error;
  const name = (error as Error | undefined)?.name;
  if (isThrottled(error) || name === 'ServiceQuotaExceededException') {
    return new SandboxFailure('unavailable', `the tool sandbox is busy (${name}), try again later`);
  }
  if (name === 'ResourceNotFoundException') {
    return new SandboxFailure('unavailable', 'the tool sandbox or its session is gone (ResourceNotFoundException)');
  }
  return couldNotRun(error);
}
