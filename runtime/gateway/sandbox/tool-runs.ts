import { Metric, SandboxLimits, SandboxRunAnswer } from '../../contract';
import { describeError } from '../log';
import { Metrics, MetricValues } from '../metrics';
import { ExecuteRequest } from './execute-request';
import { ExecutionLine } from './execution-lines';
import { RunLimits } from './run-limits';
import { SandboxFailure } from './sandbox-failure';
import { toolResult, UnreadableResult } from './tool-result';
import { ToolRunner } from './tool-runner';

/** Lets one run reach the outside; the function ends that. */
export interface RunProxy {
  admit(): { readonly url: string; readonly end: () => void };
}

export interface ToolRunsOptions {
  readonly limits: SandboxLimits;
  readonly runner: ToolRunner;
  /** Unset: nothing outside can be reached. */
  readonly proxy?: RunProxy;
  readonly metrics: Metrics;
}

type Outcome = SandboxRunAnswer['outcome'] | SandboxFailure['outcome'] | 'unreadable' | 'invalid' | 'hung-up';

/** Who asks, and for whom the audit says it was. */
export interface RunOrigin {
  /** Random name of the sandbox: a run of no agent shares its place with nobody. */
  readonly sandboxId: string;
  readonly bytesIn: number;
  readonly hungUp: AbortSignal;
  /** Awaited before the run's answer is taken in. */
  readonly answerBegins?: () => Promise<void>;
}

/** Every run of a caller's code: within limits, with one line of audit, and with an answer that Letta can read. */
export class ToolRuns {
  private readonly limits: RunLimits;
  private lastProblem?: string;

  constructor(private readonly options: ToolRunsOptions) {
    this.limits = new RunLimits(options.limits.maxRunsPerAgent);
  }

  /** Why the sandbox could not do the last run, if it could not. */
  problem(): string | undefined {
    return this.lastProblem;
  }

  /** What the agent gets of the run; never throws. */
  async run(request: ExecuteRequest, origin: RunOrigin): Promise<ExecutionLine[]> {
    const began = Date.now();
    const { lines, outcome } = await this.attempt(request, origin);
    const bytesOut = lines.reduce((sum, line) => sum + Buffer.byteLength('text' in line ? line.text : line.value), 0);
    this.options.metrics.record(
      'tool-run',
      { [Metric.TOOL_RUNS]: 1, [Metric.TOOL_RUN_LATENCY]: Date.now() - began, ...counted(outcome) },
      {
        agent: request.agentId ?? 'none',
        tool: request.toolId ?? 'run_code',
        language: request.language,
        durationMs: Date.now() - began,
        outcome: origin.hungUp.aborted ? 'hung-up' : outcome,
        bytesIn: origin.bytesIn,
        bytesOut,
      },
    );
    return lines;
  }

  /** Tells of a run of which nothing else is known: it was not read, or could not be. */
  unread(outcome: 'refused' | 'invalid', bytesIn: number): void {
    this.options.metrics.record(
      'tool-run',
      { [Metric.TOOL_RUNS]: 1, ...counted(outcome) },
      { agent: 'unread', tool: 'unread', outcome, bytesIn },
    );
  }

  private async attempt(
    request: ExecuteRequest,
    origin: RunOrigin,
  ): Promise<{ lines: ExecutionLine[]; outcome: Outcome }> {
    try {
      const answer = await this.inSandbox(request, origin);
      this.lastProblem = undefined;
      return { lines: linesOf(answer, request), outcome: answer.outcome };
    } catch (error) {
      const failure = asFailure(error);
      if (failure.outcome === 'unavailable') this.lastProblem = failure.message;
      else if (failure.outcome !== 'refused') this.lastProblem = undefined;
      const line = { type: 'error', name: failure.name, value: failure.message, traceback: failure.message } as const;
      return { lines: [line], outcome: error instanceof UnreadableResult ? 'unreadable' : failure.outcome };
    }
  }

  private async inSandbox(request: ExecuteRequest, origin: RunOrigin): Promise<SandboxRunAnswer> {
    const tenant = request.agentId ?? origin.sandboxId;
    const giveBack = this.limits.take(tenant);
    const passage = this.options.proxy?.admit();
    const endPassage = () => passage?.end();
    origin.hungUp.addEventListener('abort', endPassage);
    try {
      return await this.options.runner.run(
        {
          kind: 'run',
          language: request.language,
          code: request.code,
          environment: request.environment,
          timeoutMs: this.options.limits.timeoutSeconds * 1000,
          ...(passage && { proxy: passage.url }),
        },
        tenant,
        origin.hungUp,
        origin.answerBegins,
      );
    } finally {
      origin.hungUp.removeEventListener('abort', endPassage);
      endPassage();
      giveBack();
    }
  }
}

/** @throws UnreadableResult */
function linesOf(answer: SandboxRunAnswer, request: ExecuteRequest): ExecutionLine[] {
  const { stdout, stderr, error } = answer;
  const output: ExecutionLine[] = [
    ...(stdout === '' ? [] : [{ type: 'stdout', text: stdout } as const]),
    ...(stderr === '' ? [] : [{ type: 'stderr', text: stderr } as const]),
  ];
  if (error) return [...output, errorLine(error, request)];
  if (request.toolId !== undefined)
    return [...output, { type: 'result', text: toolResult(answer.result, request.language) }];
  return answer.result === undefined ? output : [...output, { type: 'result', text: answer.result }];
}

/**
 * Letta's own tool `run_code` cannot write an error into its answer (letta 0.16.8, `_llm_friendly_result`: it is not
 * serializable): it goes where the agent reads it. Of the two of these tools the other one brings its agent's id.
 */
function errorLine(error: NonNullable<SandboxRunAnswer['error']>, { toolId, agentId }: ExecuteRequest): ExecutionLine {
  if (toolId !== undefined || agentId !== undefined) return { type: 'error', ...error };
  return { type: 'stderr', text: error.traceback || `${error.name}: ${error.value}` };
}

function asFailure(error: unknown): SandboxFailure {
  if (error instanceof SandboxFailure) return error;
  if (error instanceof UnreadableResult)
    return new SandboxFailure('died', `the tool's run cannot be read: ${error.message}`);
  return new SandboxFailure('unavailable', `the gateway failed at running the tool: ${describeError(error)}`);
}

function counted(outcome: Outcome): MetricValues {
  switch (outcome) {
    case 'result':
      return {};
    case 'refused':
      return { [Metric.TOOL_RUNS_REFUSED]: 1 };
    case 'unavailable':
      return { [Metric.TOOL_SANDBOX_FAILED]: 1 };
    default:
      return { [Metric.TOOL_RUNS_FAILED]: 1 };
  }
}
