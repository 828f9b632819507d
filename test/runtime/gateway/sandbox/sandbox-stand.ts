import { LambdaClient } from '@aws-sdk/client-lambda';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { IncomingMessage, Server, ServerResponse } from 'node:http';
import {
  PLACEHOLDER_CREDENTIAL,
  SandboxLimits,
  SandboxPackageQuestion,
  SandboxRun,
  SandboxRunAnswer,
} from '../../../../runtime/contract';
import { Metrics } from '../../../../runtime/gateway/metrics';
import { FunctionRunner } from '../../../../runtime/gateway/sandbox/function-runner';
import { PackageAnswers } from '../../../../runtime/gateway/sandbox/package-answers';
import { createSandboxFront } from '../../../../runtime/gateway/sandbox/sandbox-front';
import { RunProxy, ToolRuns } from '../../../../runtime/gateway/sandbox/tool-runs';
import { bodyOf, close, listening, recordingLog, upstream } from '../support';

export const FUNCTION_ARN = 'arn:aws:lambda:eu-central-1:111122223333:function:Tools';
export const AGENT = 'agent-00000000-0000-4000-8000-000000000001';
export const TOOL = 'tool-00000000-0000-4000-8000-000000000002';

export interface Invocation {
  readonly url: string;
  readonly tenant: string | undefined;
  readonly request: Omit<SandboxRun, 'kind'> & Omit<SandboxPackageQuestion, 'kind'> & { readonly kind: string };
}

/** How the service answers an invocation: a function's answer, or all of an HTTP answer. */
export type Answer =
  object | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string };

/** A front before a service that answers the SDK's real client. */
export async function sandboxStand({
  answer,
  limits = { timeoutSeconds: 10, maxRunsPerAgent: 2 },
  proxy,
}: {
  readonly answer: (invocation: Invocation) => Answer | Promise<Answer>;
  readonly limits?: SandboxLimits;
  readonly proxy?: RunProxy;
}) {
  const invocations: Invocation[] = [];
  const lambda = await upstream((request, response) => void serve(request, response, invocations, answer));
  const client = new LambdaClient({
    region: 'eu-central-1',
    endpoint: lambda.origin,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    requestHandler: new NodeHttpHandler({ requestTimeout: 0 }),
    maxAttempts: 1,
  });
  const runner = new FunctionRunner(client, FUNCTION_ARN);
  const records: { event: string; values: object; fields: Record<string, unknown> }[] = [];
  const metrics: Metrics = { record: (event, values, fields = {}) => void records.push({ event, values, fields }) };
  const log = recordingLog();
  const runs = new ToolRuns({ limits, runner, metrics, proxy });
  const front = createSandboxFront({
    runs,
    packages: new PackageAnswers(runner),
    log,
  });
  const [control, execute, commands] = await Promise.all(
    [front.control, front.execute, front.commands].map((server) => listening(server)),
  );
  const post = (origin: string, path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    fetch(`${origin}${path}`, { method: 'POST', body: new Uint8Array(Buffer.from(body)), headers });
  const create = async (body: object = {}) => {
    const response = await post(control.origin, '/sandboxes', JSON.stringify(body), {
      'x-api-key': PLACEHOLDER_CREDENTIAL,
    });
    return ((await response.json()) as { envdAccessToken: string }).envdAccessToken;
  };
  return {
    runs,
    control,
    execute,
    commands,
    invocations,
    records,
    log,
    post,
    create,
    /** A run as Letta makes it: a sandbox, then its code. */
    async run(body: object, sandbox: object = {}) {
      const token = await create(sandbox);
      const response = await post(execute.origin, '/execute', JSON.stringify(body), { 'x-access-token': token });
      const text = await response.text();
      return { response, text, lines: text.trim().split('\n').filter(Boolean).map(parsed) };
    },
    async stop() {
      await runner.stop();
      await Promise.all([control, execute, commands, lambda].map(({ server }: { server: Server }) => close(server)));
    },
  };
}

function parsed(line: string) {
  return JSON.parse(line) as Record<string, unknown>;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  invocations: Invocation[],
  answer: (invocation: Invocation) => Answer | Promise<Answer>,
): Promise<void> {
  const invocation = {
    url: request.url!,
    tenant: request.headers['x-amz-tenant-id'] as string | undefined,
    request: JSON.parse((await bodyOf(request)).toString('utf8')) as Invocation['request'],
  };
  invocations.push(invocation);
  const given = await answer(invocation);
  const { status, headers, body } =
    'status' in given && 'body' in given
      ? (given as { status: number; headers?: Record<string, string>; body: string })
      : { status: 200, headers: {}, body: JSON.stringify(given) };
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}

export function toolRun(code = 'tool()', environment: Record<string, string> = {}) {
  return {
    code,
    language: null,
    context_id: null,
    env_vars: { ...environment, LETTA_AGENT_ID: AGENT, LETTA_TOOL_ID: TOOL },
  };
}

export function pythonResult(json: string): string {
  return Buffer.from(json, 'utf8').toString('base64');
}

export function finished(result: string | undefined, more: Partial<SandboxRunAnswer> = {}): SandboxRunAnswer {
  return { outcome: 'result', ...(result !== undefined && { result }), stdout: '', stderr: '', durationMs: 1, ...more };
}

/** A service's error as Lambda words it. */
export function serviceError(status: number, type: string): Answer {
  return {
    status,
    headers: { 'x-amzn-errortype': type },
    body: JSON.stringify({ message: `secret words of ${type}` }),
  };
}
