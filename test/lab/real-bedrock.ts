import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { pipeline } from 'node:stream/promises';
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { Account } from './account';
import type { Forward } from './fake-aws/bedrock';

/** Host of the real Bedrock in the lab's region. */
export const bedrockHost = `bedrock-runtime.${Account.REGION}.${Account.URL_SUFFIX}`;

/**
 * Sends model calls to the real Bedrock, signed with the credentials in the environment. The lab has verified the task
 * role's own signature and asked its policies before.
 *
 * @param socket Unix socket that leads to `bedrockHost`, since the lab's own network leads nowhere
 * @throws Error when the environment has no credentials
 */
export function realBedrock(environment: NodeJS.ProcessEnv, socket: string): Forward {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  if (!accessKeyId || !secretAccessKey) {
    throw new Error(
      '--bedrock needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN) in the environment',
    );
  }
  const credentials = { accessKeyId, secretAccessKey, sessionToken: environment.AWS_SESSION_TOKEN };
  const signer = new SignatureV4({ credentials, region: Account.REGION, service: 'bedrock', sha256: Sha256 });
  return async ({ request, response }) => {
    const kept = ['content-type', 'accept', 'x-amzn-bedrock-accept', 'x-amzn-bedrock-guardrailidentifier'];
    const names = [...kept, 'x-amzn-bedrock-guardrailversion'].filter((name) => name in request.headers);
    const signed = await signer.sign(
      new HttpRequest({
        method: request.method,
        hostname: bedrockHost,
        path: request.target,
        headers: { host: bedrockHost, ...Object.fromEntries(names.map((name) => [name, request.headers[name]])) },
        body: request.body,
      }),
    );
    await new Promise<void>((resolve, reject) => {
      const outgoing = https.request({
        method: signed.method,
        path: signed.path,
        headers: signed.headers,
        createConnection: () => tls.connect({ socket: net.connect(socket), servername: bedrockHost }),
      });
      outgoing.on('error', reject);
      outgoing.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        pipeline(answer, response).then(resolve, reject);
      });
      outgoing.end(request.body);
    });
  };
}
