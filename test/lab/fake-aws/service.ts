import type { ServerResponse } from 'node:http';
import type { AwsRecord } from '../aws-record';
import type { IssuedKeys } from '../credentials';
import type { AccessRequest, Statement } from '../iam-policy';
import type { WireRequest } from '../signature';

/** An answer that AWS gives as an error. */
export class AwsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

/** A request whose signature was verified, on its way to one service. */
export interface SignedCall {
  /** Logical id of the role that signed. */
  readonly role: string;
  readonly request: WireRequest;
  readonly response: ServerResponse;
  /** Asks the role's policies and records the call. @throws AwsError when they do not allow it */
  authorize(access: AccessRequest): void;
  /** Answers with JSON. */
  json(body: unknown): void;
}

/** One service behind the fake AWS. */
export interface FakeService {
  /** First label of its host name. */
  readonly host: string;
  /** Name it is signed for. */
  readonly signingName: string;
  handle(call: SignedCall): Promise<void>;
}

/** Makes the `authorize` of a call, which may have come through an endpoint with a policy of its own. */
export function authorizer(
  record: AwsRecord,
  { role, sourceFunction }: Pick<IssuedKeys, 'role' | 'sourceFunction'>,
  endpoint?: Statement[],
): SignedCall['authorize'] {
  const from = sourceFunction === undefined ? {} : { 'lambda:SourceFunctionArn': sourceFunction };
  return (access) => {
    if (record.decide(role, { ...access, context: { ...from, ...access.context } }, endpoint)) return;
    const what = `${access.action} on resource: ${access.resource}`;
    throw new AwsError('AccessDeniedException', `role ${role} is not authorized to perform: ${what}`, 403);
  };
}

/** Operation and input of a service that speaks AWS JSON 1.1. */
export function jsonOperation<Input>(request: WireRequest): { name: string; input: Input } {
  const name = request.headers['x-amz-target']?.split('.').pop();
  if (!name) throw new AwsError('UnknownOperationException', 'the header X-Amz-Target is missing');
  return { name, input: JSON.parse(request.body.toString('utf8') || '{}') as Input };
}

export function unknownOperation(service: string, name: string): AwsError {
  return new AwsError('UnknownOperationException', `the lab's ${service} does not know ${name}`);
}
