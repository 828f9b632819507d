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
/** What a run may print and still be read: what is more would be held in memory. */
const MOST_OUTPUT = 2 * SandboxMaximum.OUTPUT + 3 * SandboxMaximum.RESULT;

/** The SDK must not try again by itself: what it took for lost may have run. */
export function createCodeInterpreterRunner(
  configuration: BedrockAgentCoreClientConfig,
  settings: CodeInterpreterSettings,
): ToolRunner {
  return new CodeInterpreterRunner(new BedrockAgentCoreClient({ ...configuration, maxAttempts: 1 }), settings);
}

interface Session {
  readonly began: number;
  readonly id: Promise<string>;
  /** Ends when the last run that was asked for has: runs of one session come one after the other. */
  line: Promise<unknown>;
  waiting: number;
  idle?: NodeJS.Timeout;
}

/** Tools run in sessions of AgentCore's code interpreter: one of each agent, which keeps what its runs leave in it. */
export class CodeInterpreterRunner implements ToolRunner {
  readonly remedy =
    'A code interpreter has what AWS put there; ToolSandbox.function({ packages }) takes packages of yours';
  private readonly sessions = new Map<string, Session>();

  constructor(
    private readonly client: BedrockAgentCoreClient,
    private readonly settings: CodeInterpreterSettings,
  ) {}

  async run(run: SandboxRun, tenant: string, hungUp: AbortSignal): Promise<SandboxRunAnswer> {
    if (run.language !== 'python') {
      throw new SandboxFailure('error', `the tool sandbox is a code interpreter for Python, got ${run.language}`);
    }
    // Of all tenants only agents are named again.
    const keep = tenant.startsWith('agent-');
    return this.inSession(tenant, keep, async (session) => {
      const deadline = AbortSignal.any([AbortSignal.timeout(run.timeoutMs + START_MS), hungUp]);
      const { script, read } = interpreterScript(run);
      const answer = runAnswer(read(await this.execute(session, script, deadline, hungUp)));
      // Its threads may go on.
      if (answer.outcome === 'timeout' || answer.outcome === 'memory') await this.end(tenant);
      return answer;
    });
  }

  async packages(question: SandboxPackageQuestion): Promise<SandboxPackageAnswer> {
    if (question.manager === 'npm') {
      const reason = 'a code interpreter runs Python tools only';
      return { missing: question.requirements.map((requirement) => ({ requirement, reason })) };
    }
    return this.inSession('packages', true, async (session) => {
      const { script, read } = packageScript(question.requirements);
      const never = new AbortController().signal;
      return packageAnswer(read(await this.execute(session, script, AbortSignal.timeout(PACKAGES_TIMEOUT_MS), never)));
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sessions.keys()].map((tenant) => this.end(tenant)));
    this.client.destroy();
  }

  /** In its turn, in the tenant's session; one that failed is ended, since code may still run in it. */
  private async inSession<T>(tenant: string, keep: boolean, work: (session: string) => Promise<T>): Promise<T> {
    const session = this.session(tenant);
    session.waiting++;
    clearTimeout(session.idle);
    const turn = session.line.then(async () => work(await session.id));
    session.line = turn.catch(() => undefined);
    try {
      return await turn;
    } catch (error) {
      await this.end(tenant, session);
      throw asFailure(error);
    } finally {
      session.waiting--;
      if (session.waiting === 0) {
        if (!keep) await this.end(tenant, session);
        else session.idle = this.endsWhenIdle(tenant, session);
      }
    }
  }

  private session(tenant: string): Session {
    const known = this.sessions.get(tenant);
    if (known && !this.endsSoon(known)) return known;
    if (known) void this.end(tenant, known);
    const session: Session = { began: Date.now(), id: this.start(), line: Promise.resolve(), waiting: 0 };
    this.sessions.set(tenant, session);
    return session;
  }

  /** Before it would end in the middle of a run. */
  private endsSoon({ began, waiting }: Session): boolean {
    const lastMs = (MOST_SESSION_SECONDS - this.settings.timeoutSeconds) * 1000 - START_MS;
    return waiting === 0 && Date.now() - began > lastMs;
  }

  private async start(): Promise<string> {
    const { sessionId } = await this.client.send(
      new StartCodeInterpreterSessionCommand({
        codeInterpreterIdentifier: this.settings.codeInterpreterId,
        sessionTimeoutSeconds: MOST_SESSION_SECONDS,
      }),
      { abortSignal: AbortSignal.timeout(START_MS) },
    );
    return sessionId!;
  }

  private endsWhenIdle(tenant: string, session: Session): NodeJS.Timeout | undefined {
    if (this.sessions.get(tenant) !== session) return undefined;
    return setTimeout(() => void this.end(tenant, session), this.settings.sessionIdleSeconds * 1000).unref();
  }

  /** What cannot be stopped ends by its own time-out. */
  private async end(tenant: string, session = this.sessions.get(tenant)): Promise<void> {
    if (session === undefined || this.sessions.get(tenant) !== session) return;
    this.sessions.delete(tenant);
    clearTimeout(session.idle);
    try {
      const { codeInterpreterId: codeInterpreterIdentifier } = this.settings;
      const command = new StopCodeInterpreterSessionCommand({ codeInterpreterIdentifier, sessionId: await session.id });
      await this.client.send(command, { abortSignal: AbortSignal.timeout(STOP_MS) });
    } catch {
      // It has ended already, or ends by itself.
    }
  }

  private async execute(sessionId: string, code: string, deadline: AbortSignal, hungUp: AbortSignal) {
    const output: InterpreterOutput = { stdout: '', stderr: '' };
    try {
      const { stream } = await this.client.send(
        new InvokeCodeInterpreterCommand({
          codeInterpreterIdentifier: this.settings.codeInterpreterId,
          sessionId,
          name: 'executeCode',
          arguments: { code, language: 'python', clearContext: false },
        }),
        { abortSignal: deadline },
      );
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
  if (name === 'ThrottlingException' || name === 'ServiceQuotaExceededException') {
    return new SandboxFailure('unavailable', `the tool sandbox is busy (${name}), try again later`);
  }
  if (name === 'ResourceNotFoundException') {
    return new SandboxFailure('unavailable', 'the tool sandbox or its session is gone (ResourceNotFoundException)');
  }
  return couldNotRun(error);
}
