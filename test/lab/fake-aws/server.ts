import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { Account } from '../account';
import type { AwsRecord } from '../aws-record';
import type { IssuedKeys, KeyIssuer } from '../credentials';
import type { Statement } from '../iam-policy';
import { SignatureError, verifyHeader, type WireRequest } from '../signature';
import { Faults } from './faults';
import { AwsError, authorizer, type FakeService, type SignedCall } from './service';

export interface FakeAwsOptions {
  readonly services: FakeService[];
  readonly issuer: KeyIssuer;
  readonly record: AwsRecord;
  /** Statements of the VPC's endpoint for a service. */
  readonly endpointPolicy: (host: string) => Statement[] | undefined;
  readonly tls: { readonly key: string; readonly cert: string };
}

/** An HTTPS server for all AWS host names of the lab: it verifies each signature and asks the signer's policies. */
export class FakeAws {
  /** What is wrong with it: nothing, unless a test says so. */
  readonly faults = new Faults();
  private server?: https.Server;

  constructor(private readonly options: FakeAwsOptions) {}

  /** Host names it answers for. */
  static hosts(services: FakeService[]): string[] {
    return services.map((service) => `${service.host}.${Account.REGION}.${Account.URL_SUFFIX}`);
  }

  async start(address: string): Promise<void> {
    this.server = https.createServer({ ...this.options.tls, keepAlive: true }, (request, response) => {
      this.handle(request, response).catch((error: unknown) => sendError(response, error));
    });
    await listen(this.server, 443, address);
  }

  stop(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  private async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { record, issuer, services } = this.options;
    const request = await readRequest(incoming);
    const service = services.find((candidate) => FakeAws.hosts([candidate])[0] === request.headers.host);
    if (!service) throw new AwsError('UnknownEndpoint', `no service at ${request.headers.host}`, 404);
    const what = `${request.method} ${request.headers.host}${request.target}`;
    let keys: IssuedKeys;
    try {
      const signer = await verifyHeader(request, issuer);
      if (signer.service !== service.signingName || signer.region !== Account.REGION) {
        throw new SignatureError('InvalidSignatureException', `signed for ${signer.service} in ${signer.region}`);
      }
      keys = signer.keys;
    } catch (error) {
      if (error instanceof SignatureError) {
        record.refuse(what, `${error.code}: ${error.message}`);
        throw new AwsError(error.code, error.message, 403);
      }
      throw error;
    }
    const endpoint = keys.inVpc ? this.options.endpointPolicy(service.host) : undefined;
    const call = signedCall(request, response, keys.role, authorizer(record, keys, endpoint));
    await this.faults.pass(service, call);
  }
}

function signedCall(
  request: WireRequest,
  response: ServerResponse,
  role: string,
  authorize: SignedCall['authorize'],
): SignedCall {
  return {
    role,
    request,
    response,
    authorize,
    json: (body) => {
      const type = request.headers['content-type']?.startsWith('application/x-amz-json')
        ? 'application/x-amz-json-1.1'
        : 'application/json';
      response.writeHead(200, { 'content-type': type });
      response.end(JSON.stringify(body));
    },
  };
}

/** Bedrock without signatures, for a server that is configured as the public docs say: static keys and plain HTTP. */
export class UnsignedBedrock {
  private server?: http.Server;
  port = 0;

  constructor(private readonly service: FakeService) {}

  async start(address: string, port = 0): Promise<void> {
    this.server = http.createServer((incoming, response) => {
      this.handle(incoming, response).catch((error: unknown) => sendError(response, error));
    });
    await listen(this.server, port, address);
    this.port = (this.server.address() as { port: number }).port;
  }

  stop(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  private async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    if (request.body.includes('Action=GetSessionToken')) return sessionToken(response);
    const json = (body: unknown) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    return this.service.handle({ role: 'unsigned', request, response, authorize: () => undefined, json });
  }
}

function sessionToken(response: ServerResponse): void {
  const expiration = new Date(Date.now() + 3_600_000).toISOString();
  const keys = `<AccessKeyId>ASIALAB</AccessKeyId><SecretAccessKey>lab</SecretAccessKey><SessionToken>lab</SessionToken>`;
  response.writeHead(200, { 'content-type': 'text/xml' });
  response.end(
    '<GetSessionTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetSessionTokenResult><Credentials>' +
      `${keys}<Expiration>${expiration}</Expiration></Credentials></GetSessionTokenResult></GetSessionTokenResponse>`,
  );
}

async function readRequest(incoming: IncomingMessage): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
  return { method: incoming.method ?? '', target: incoming.url ?? '/', headers, body: Buffer.concat(chunks) };
}

function sendError(response: ServerResponse, error: unknown): void {
  const known = error instanceof AwsError ? error : new AwsError('InternalFailure', `the lab: ${String(error)}`, 500);
  if (response.headersSent) return void response.destroy();
  response.writeHead(known.status, { 'content-type': 'application/json', 'x-amzn-errortype': known.code });
  response.end(JSON.stringify({ __type: known.code, message: known.message }));
}

function listen(server: http.Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen(port, address, () => resolve()));
}
