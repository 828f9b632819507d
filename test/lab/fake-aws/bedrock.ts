import { setTimeout as sleep } from 'node:timers/promises';
import { Account, arn } from '../account';
import type { AccessRequest } from '../iam-policy';
import { converse } from './converse';
import { embed } from './embeddings';
import { answer, type ModelRequest } from './fake-model';
import { AwsError, type FakeService, type SignedCall, unknownOperation } from './service';
import { streamEvents, writeEvent } from './message-stream';

/** Regions that the profiles of a geography route to, as far as the lab's region is concerned. */
const geographies: Record<string, string[]> = {
  us: ['us-east-1', 'us-east-2', 'us-west-2'],
  global: ['', 'us-east-1', 'us-east-2', 'us-west-2'],
};

/** Profiles every account has, whatever the stack allows: some that are not Claude, some that are not allowed. */
const others = [
  'us.amazon.nova-pro-v1:0',
  'us.meta.llama3-3-70b-instruct-v1:0',
  'us.anthropic.claude-3-haiku-20240307-v1:0',
  'us.anthropic.claude-3-opus-20240229-v1:0',
  'us.deepseek.r1-v1:0',
];

const pageSize = 3;

/** Sends a model call elsewhere instead of answering it; see `npm run local -- --bedrock`. */
export type Forward = (call: SignedCall, model: string, stream: boolean) => Promise<void>;

/** Bedrock's control plane: the inference profiles of the account. */
export class FakeBedrock implements FakeService {
  readonly host = 'bedrock';
  readonly signingName = 'bedrock';

  /** @param allowed ids of the profiles that the stack allows; the account has them too */
  constructor(private readonly allowed: string[]) {}

  async handle(call: SignedCall): Promise<void> {
    const url = new URL(call.request.target, 'https://bedrock');
    if (call.request.method !== 'GET' || url.pathname !== '/inference-profiles') {
      throw unknownOperation('Bedrock', `${call.request.method} ${url.pathname}`);
    }
    call.authorize({ action: 'bedrock:ListInferenceProfiles', resource: '*' });
    const profiles = [...others.slice(0, 2), ...this.allowed.filter(isProfile), ...others.slice(2)];
    const start = Number(url.searchParams.get('nextToken') ?? 0);
    const size = Math.min(Number(url.searchParams.get('maxResults') ?? pageSize), pageSize);
    const end = start + size;
    call.json({
      inferenceProfileSummaries: [...new Set(profiles)].slice(start, end).map(summary),
      ...(end < profiles.length ? { nextToken: String(end) } : {}),
    });
  }
}

type Operation = 'invoke' | 'invoke-with-response-stream' | 'converse' | 'converse-stream';

/** What was asked of a model. */
export interface ModelCall {
  readonly model: string;
  readonly operation: Operation;
  readonly body: Record<string, unknown>;
}

const PATH = /^\/model\/([^/]+)\/(invoke|invoke-with-response-stream|converse|converse-stream)$/;
const CALLS_KEPT = 50;

/** Bedrock's data plane: chat with a fake model, and embeddings. */
export class FakeBedrockRuntime implements FakeService {
  readonly host = 'bedrock-runtime';
  readonly signingName = 'bedrock';
  /** The last calls that were allowed. */
  readonly calls: ModelCall[] = [];

  constructor(private readonly forward?: Forward) {}

  async handle(call: SignedCall): Promise<void> {
    const path = PATH.exec(call.request.target.split('?')[0]);
    if (call.request.method !== 'POST' || !path) throw unknownOperation('Bedrock runtime', call.request.target);
    const [model, operation] = [decodeURIComponent(path[1]), path[2] as Operation];
    const stream = operation.endsWith('-stream');
    const body = JSON.parse(call.request.body.toString('utf8')) as Record<string, unknown>;
    const converses = operation.startsWith('converse');
    authorizeInvoke(call, model, stream, converses ? guardrailOfBody(body) : guardrailOfHeaders(call));
    if (this.forward) return this.forward(call, model, stream);
    this.calls.push({ model, operation, body });
    if (this.calls.length > CALLS_KEPT) this.calls.shift();
    if (converses) return this.converse(call, model, body, stream);
    if (/titan-embed|cohere\.embed/.test(model)) return call.json(embed(model, body));
    if (!model.includes('anthropic.claude')) throw new AwsError('ValidationException', `the lab has no model ${model}`);
    return chat(call, model, body, stream);
  }

  private async converse(call: SignedCall, model: string, body: ModelCall['body'], stream: boolean): Promise<void> {
    if (/embed/.test(model)) throw new AwsError('ValidationException', `${model} is not supported by Converse`);
    return converse(call, model, body, stream);
  }
}

async function chat(call: SignedCall, model: string, body: Record<string, unknown>, stream: boolean): Promise<void> {
  for (const key of ['anthropic_version', 'max_tokens', 'messages']) {
    if (!(key in body)) throw new AwsError('ValidationException', `${key}: field required`);
  }
  for (const key of ['model', 'stream']) {
    if (key in body) throw new AwsError('ValidationException', `${key}: extra inputs are not permitted`);
  }
  const request = body as unknown as ModelRequest;
  const reply = answer(request);
  if (!stream) {
    await sleep(reply.pauses * (reply.pieces.length + 1));
    return call.json(reply.message(model));
  }
  call.response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
  for (const event of streamEvents(reply, model)) {
    if (call.response.destroyed) return;
    writeEvent(call.response, event);
    if (reply.pauses > 0) await sleep(reply.pauses);
  }
  call.response.end();
}

/**
 * AWS asks for the profile and for its foundation model in every region it may route to, the latter under the condition
 * key `bedrock:InferenceProfileArn` (Bedrock user guide, "Prerequisites for inference profiles"). A call that carries a
 * guardrail also needs the right to apply it (Bedrock user guide, "Set up permissions to use Amazon Bedrock Guardrails").
 */
function authorizeInvoke(call: SignedCall, model: string, stream: boolean, { guardrail, version }: Guardrail): void {
  const action = stream ? 'bedrock:InvokeModelWithResponseStream' : 'bedrock:InvokeModel';
  const guardrailArn = guardrail?.startsWith('arn:')
    ? guardrail
    : guardrail && arn('bedrock', `guardrail/${guardrail}`);
  const context: AccessRequest['context'] = {
    'bedrock:GuardrailIdentifier': guardrailArn && version !== 'DRAFT' ? `${guardrailArn}:${version}` : guardrailArn,
  };
  if (guardrailArn) call.authorize({ action: 'bedrock:ApplyGuardrail', resource: guardrailArn });
  if (!isProfile(model)) return call.authorize({ action, resource: foundationModel(model, Account.REGION), context });
  const [geography, ...id] = model.split('.');
  const profile = arn('bedrock', `inference-profile/${model}`);
  call.authorize({ action, resource: profile, context });
  for (const region of geographies[geography]) {
    // Bedrock calls itself there, and comes through no endpoint of ours.
    const routed = { ...context, 'bedrock:InferenceProfileArn': profile, 'aws:SourceVpc': undefined };
    call.authorize({ action, resource: foundationModel(id.join('.'), region), context: routed });
  }
}

interface Guardrail {
  readonly guardrail?: string;
  readonly version?: string;
}

function guardrailOfHeaders({ request: { headers } }: SignedCall): Guardrail {
  return {
    guardrail: headers['x-amzn-bedrock-guardrailidentifier'],
    version: headers['x-amzn-bedrock-guardrailversion'],
  };
}

/** Converse has no header for it. */
function guardrailOfBody(body: Record<string, unknown>): Guardrail {
  const config = body.guardrailConfig as { guardrailIdentifier?: string; guardrailVersion?: string } | undefined;
  return { guardrail: config?.guardrailIdentifier, version: config?.guardrailVersion };
}

function foundationModel(id: string, region: string): string {
  return `arn:${Account.PARTITION}:bedrock:${region}::foundation-model/${id}`;
}

function isProfile(id: string): boolean {
  return Object.keys(geographies).some((geography) => id.startsWith(`${geography}.`));
}

function summary(id: string) {
  const [geography, ...model] = id.split('.');
  return {
    inferenceProfileId: id,
    inferenceProfileName: id,
    inferenceProfileArn: arn('bedrock', `inference-profile/${id}`),
    models: geographies[geography].map((region) => ({ modelArn: foundationModel(model.join('.'), region) })),
    status: 'ACTIVE',
    type: 'SYSTEM_DEFINED',
    createdAt: '2025-01-01T00:00:00Z',
    updatedAt: '2025-01-01T00:00:00Z',
    description: `the lab's ${id}`,
  };
}
