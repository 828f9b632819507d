import { createServer, IncomingMessage } from 'node:http';
import { AddressInfo } from 'node:net';

/** A call that a fake AWS API got. */
export interface ApiCall {
  /** E.g. `RunTask`. */
  readonly action: string;
  /** The JSON or form fields of the request. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly input: any;
}

/** An answer: an object is JSON, a string is XML. */
export interface ApiAnswer {
  readonly status?: number;
  readonly body: object | string;
}

/**
 * Serves AWS APIs of the JSON protocol (ECS, CloudWatch Logs, Secrets Manager) and of the query protocol (EC2,
 * CloudFormation) on loopback: the real SDK speaks to it over the wire.
 */
export async function fakeAwsApi(answer: (call: ApiCall) => ApiAnswer) {
  const calls: ApiCall[] = [];
  const server = createServer(async (request, response) => {
    const call = await readCall(request);
    calls.push(call);
    const { status = 200, body } = answer(call);
    const json = typeof body !== 'string';
    response.writeHead(status, { 'content-type': json ? 'application/x-amz-json-1.1' : 'text/xml' });
    response.end(json ? JSON.stringify(body) : body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    calls,
    /** What every SDK client is constructed with. */
    client: {
      endpoint,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
      maxAttempts: 1,
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

async function readCall(request: IncomingMessage): Promise<ApiCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') return { action: target.split('.').pop() ?? '', input: JSON.parse(text) };
  const form = Object.fromEntries(new URLSearchParams(text));
  return { action: form.Action, input: form };
}
