import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { AwsRecord } from '../../lab/aws-record';
import { KeyIssuer } from '../../lab/credentials';
import { FakeS3 } from '../../lab/fake-aws/s3';
import { authorizer } from '../../lab/fake-aws/service';
import { verifyHeader } from '../../lab/signature';
import { Storage } from '../../../runtime/export/storage';

/** The lab's S3 on loopback, and the program's storage that leads to it; each call's signature is verified. */
export class FakeS3Server {
  readonly s3 = new FakeS3();
  /** Statuses that the next calls get in place of an answer. */
  readonly failures: number[] = [];
  private readonly issuer = new KeyIssuer();
  private readonly server = http.createServer((request, response) => void this.handle(request, response));

  async start(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  storage(prefix: string): Storage {
    const keys = this.issuer.issue('role');
    const endpoint = new URL(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}`);
    const retry = { attempts: 3, firstDelay: 1 };
    const credentials = async () => keys;
    return new Storage({ bucket: 'lab-exports', prefix, region: 'us-east-1', credentials, ca: '', endpoint, retry });
  }

  private async handle(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const failure = this.failures.shift();
    if (failure !== undefined) return void response.writeHead(failure).end();
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    const request = { method: incoming.method ?? '', target: incoming.url ?? '', headers, body: Buffer.concat(chunks) };
    try {
      const { keys } = await verifyHeader(request, this.issuer);
      const record = new AwsRecord(() => [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }]);
      const call = { role: keys.role, request, response, authorize: authorizer(record, keys), json: () => undefined };
      await this.s3.handle(call);
    } catch (error) {
      response.writeHead(403).end(`<Error><Code>${(error as { code: string }).code}</Code></Error>`);
    }
  }
}
