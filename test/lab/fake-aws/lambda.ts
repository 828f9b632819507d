import { arn } from '../account';
import { MOST_PAYLOAD } from '../lambda-runtime';
import { AwsError, type FakeService, type SignedCall } from './service';

/** A function that can be invoked. */
export interface InvokedFunction {
  /** Whether each tenant has execution environments of its own (TenancyConfig). @default false */
  readonly perTenant?: boolean;
  /** Most invocations at once. @default - any number */
  readonly reservedConcurrency?: number;
  invoke(event: Buffer, tenantId?: string): Promise<{ readonly payload: Buffer; readonly functionError?: string }>;
}

/** One invocation, as the tests want to know it. */
export interface RecordedInvocation {
  readonly functionArn: string;
  readonly tenantId?: string;
  readonly bytes: number;
}

/** Source: "Invoke", AWS Lambda API Reference. */
const TENANT = /^[a-zA-Z0-9._:/=+\-@ ]{1,256}$/;

/** Lambda: invokes the functions that the lab has. */
export class FakeLambda implements FakeService {
  readonly host = 'lambda';
  readonly signingName = 'lambda';
  /** By ARN. */
  readonly functions = new Map<string, InvokedFunction>();
  readonly invocations: RecordedInvocation[] = [];
  private readonly running = new Map<string, number>();

  async handle(call: SignedCall): Promise<void> {
    const { method, target, headers, body } = call.request;
    const [, encoded] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(target) ?? [];
    if (method !== 'POST' || !encoded)
      throw new AwsError('UnknownOperationException', `no operation ${method} ${target}`);
    const functionArn = arnOf(decodeURIComponent(encoded));
    if ((headers['x-amz-invocation-type'] ?? 'RequestResponse') !== 'RequestResponse') {
      throw new AwsError('InvalidParameterValueException', "the lab's Lambda waits for each answer");
    }
    call.authorize({ action: 'lambda:InvokeFunction', resource: functionArn });
    const invoked = this.functions.get(functionArn);
    if (!invoked) throw new AwsError('ResourceNotFoundException', `Function not found: ${functionArn}`, 404);
    if (body.length > MOST_PAYLOAD) throw new AwsError('RequestTooLargeException', `got ${body.length} bytes`, 413);
    const tenantId = headers['x-amz-tenant-id'];
    requireTenant(invoked, tenantId);
    this.invocations.push({ functionArn, tenantId, bytes: body.length });
    const { payload, functionError } = await this.counted(functionArn, invoked, () => invoked.invoke(body, tenantId));
    call.response.writeHead(200, {
      'content-type': 'application/json',
      'x-amz-executed-version': '$LATEST',
      ...(functionError ? { 'x-amz-function-error': functionError } : {}),
    });
    call.response.end(payload);
  }

  private async counted<T>(arn: string, { reservedConcurrency }: InvokedFunction, work: () => Promise<T>): Promise<T> {
    const before = this.running.get(arn) ?? 0;
    if (reservedConcurrency !== undefined && before >= reservedConcurrency) {
      throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429);
    }
    this.running.set(arn, before + 1);
    try {
      return await work();
    } finally {
      this.running.set(arn, this.running.get(arn)! - 1);
    }
  }
}

/** Invoke takes the name as well. */
function arnOf(name: string): string {
  return name.startsWith('arn:') ? name : arn('lambda', `function:${name}`);
}

function requireTenant({ perTenant = false }: InvokedFunction, tenantId: string | undefined): void {
  if (perTenant && tenantId === undefined) {
    throw new AwsError(
      'InvalidParameterValueException',
      'The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.',
    );
  }
  if (!perTenant && tenantId !== undefined) {
    throw new AwsError(
      'InvalidParameterValueException',
      'The invoked function is not enabled with tenancy configuration.',
    );
  }
  if (tenantId !== undefined && !TENANT.test(tenantId)) {
    throw new AwsError('InvalidParameterValueException', `got the tenant ID '${tenantId}', wanted ${TENANT.source}`);
  }
}
