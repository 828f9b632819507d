import { InvokeCommand, LambdaClient, LambdaClientConfig } from '@aws-sdk/client-lambda';
import {
  SandboxPackageAnswer,
  SandboxPackageQuestion,
  SandboxRequest,
  SandboxRun,
  SandboxRunAnswer,
} from '../../contract';
import { objectOf } from '../foreign-json';
import { isThrottled, retryThrottled } from './retry-throttled';
import { packageAnswer, runAnswer } from './sandbox-answers';
import { couldNotRun, SandboxFailure } from './sandbox-failure';
import { ToolRunner } from './tool-runner';

/** A synchronous invocation's payload (Lambda quotas). */
const MAX_PAYLOAD = 6 * 1024 * 1024;
/** A place of a tenant's own is made at his first run: an image is loaded and a network interface attached. */
const COLD_START_MS = 20_000;
/** No code of a caller's runs to answer a question: one place is enough. */
const PACKAGES_TENANT = 'packages';
const PACKAGES_TIMEOUT_MS = 25_000;

interface Invocation {
  readonly tenant: string;
  readonly withinMs: number;
  readonly hungUp?: AbortSignal;
  readonly answerBegins?: () => Promise<void>;
}

/** The SDK must not try again by itself: what it took for lost may have run. */
export function createFunctionRunner(configuration: LambdaClientConfig, functionArn: string): ToolRunner {
  return new FunctionRunner(new LambdaClient({ ...configuration, maxAttempts: 1 }), functionArn);
}

/** Tools run in a Lambda function, which has an execution environment for each tenant alone (tenant isolation mode). */
export class FunctionRunner implements ToolRunner {
  readonly remedy = 'Bring it with ToolSandbox.function({ packages })';

  constructor(
    private readonly client: LambdaClient,
    private readonly functionArn: string,
  ) {}

  /** An invocation cannot be called back: it is waited for, so that it counts until it has ended. */
  async run(
    run: SandboxRun,
    tenant: string,
    hungUp: AbortSignal,
    answerBegins?: () => Promise<void>,
  ): Promise<SandboxRunAnswer> {
    const withinMs = run.timeoutMs + COLD_START_MS;
    return runAnswer(await this.invoke(run, { tenant, withinMs, hungUp, answerBegins }));
  }

  async packages(question: SandboxPackageQuestion): Promise<SandboxPackageAnswer> {
    return packageAnswer(await this.invoke(question, { tenant: PACKAGES_TENANT, withinMs: PACKAGES_TIMEOUT_MS }));
  }

  async stop(): Promise<void> {
    this.client.destroy();
  }

  private async invoke(
    request: SandboxRequest,
    { tenant, withinMs, hungUp, answerBegins }: Invocation,
  ): Promise<unknown> {
    const payload = Buffer.from(JSON.stringify(request));
    if (payload.length > MAX_PAYLOAD)
      throw new SandboxFailure('size', 'the code and its environment are too large for the tool sandbox');
    const deadline = AbortSignal.timeout(withinMs);
    const command = new InvokeCommand({
      FunctionName: this.functionArn,
      InvocationType: 'RequestResponse',
      TenantId: tenant,
      Payload: payload,
    });
    // Between the head of the answer and its body, which stays with Lambda so long.
    command.middlewareStack.add(
      (next) => async (input) => {
        const output = await next(input);
        await answerBegins?.();
        return output;
      },
      { step: 'deserialize', priority: 'low' },
    );
    const { FunctionError, Payload } = await retryThrottled(
      () => this.client.send(command, { abortSignal: deadline }),
      hungUp ? AbortSignal.any([deadline, hungUp]) : deadline,
    ).catch((error: unknown) => {
      throw notInvoked(error, deadline);
    });
    const answer = parsed(Payload);
    if (FunctionError !== undefined) throw endedByFunction(answer);
    return answer;
  }
}

function parsed(payload: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(payload ?? []).toString('utf8'));
  } catch {
    throw new SandboxFailure('unavailable', 'the tool sandbox answered something that is not JSON');
  }
}

function notInvoked(error: unknown, deadline: AbortSignal): SandboxFailure {
  if (deadline.aborted) return new SandboxFailure('timeout', 'the tool sandbox did not answer in time');
  const { name } = error as Error;
  if (isThrottled(error)) {
    return new SandboxFailure(
      'unavailable',
      'the tool sandbox is busy: too many tools run at once (Lambda throttled the run), try again later',
    );
  }
  if (name === 'RequestTooLargeException')
    return new SandboxFailure('size', 'the code and its environment are too large for the tool sandbox');
  if (name === 'ResourceNotFoundException') {
    return new SandboxFailure(
      'unavailable',
      'the tool sandbox is gone: its function does not exist (ResourceNotFoundException)',
    );
  }
  return couldNotRun(error);
}

/** The function broke off: by a time-out, or because a tool brought its process down. */
function endedByFunction(answer: unknown): SandboxFailure {
  const { errorType, errorMessage } = objectOf(answer);
  const message = typeof errorMessage === 'string' ? errorMessage : '';
  if (/timed out/i.test(message))
    return new SandboxFailure('timeout', 'the tool took too long, and its sandbox was ended');
  if (errorType === 'Runtime.OutOfMemory')
    return new SandboxFailure('died', 'the tool took all memory of its sandbox, which was ended');
  if (errorType === 'Runtime.ExitError')
    return new SandboxFailure('died', 'the sandbox of the tool ended before the tool did');
  return new SandboxFailure('unavailable', 'the tool sandbox failed before the tool came to its end');
}
