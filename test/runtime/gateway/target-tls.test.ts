import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Agent, request } from 'node:https';
import { connect as connectTcp, Socket } from 'node:net';
import { connect, SecureVersion, TLSSocket } from 'node:tls';
import { RequestListener } from 'node:http';
import { boundedServer, drain } from '../../../runtime/gateway/http-listener';
import { acceptsConnections } from '../../../runtime/gateway/database/postgres-probe';
import { selfSignedCertificate, TlsIdentity } from '../../../runtime/gateway/self-signed-certificate';
import { bodyOf, close, listening, rawExchange, until } from './support';

let identity: TlsIdentity;
beforeAll(async () => {
  identity = await selfSignedCertificate('letta-gateway');
});

const toEnd: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).reverse()) await end();
});

async function start(listener: RequestListener = (_request, response) => response.end('hello')) {
  const made = await listening(boundedServer(listener, { keepAliveSeconds: 60, tls: identity }));
  toEnd.push(() => close(made.server));
  return made;
}

/** As a load balancer does: it takes whatever certificate it is shown. */
const unverified = { host: '127.0.0.1', rejectUnauthorized: false };

function get(port: number, agent = new Agent({ keepAlive: true })): Promise<string> {
  toEnd.push(() => agent.destroy());
  return new Promise((resolve, reject) => {
    request(
      { ...unverified, port, agent },
      (response) => void bodyOf(response).then((b) => resolve(b.toString()), reject),
    )
      .on('error', reject)
      .end();
  });
}

function secured(port: number, version?: SecureVersion): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = { ...unverified, port, minVersion: version, maxVersion: version };
    const socket = connect(options, () => resolve(socket));
    socket.on('error', reject);
    toEnd.push(() => socket.destroy());
  });
}

describe('the certificate', () => {
  test('belongs to its key, names the gateway, signs itself and outlives any task', () => {
    const certificate = new X509Certificate(identity.cert);
    expect(certificate.checkPrivateKey(createPrivateKey(identity.key))).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect([certificate.subject, certificate.issuer]).toEqual(['CN=letta-gateway', 'CN=letta-gateway']);
    expect(certificate.checkHost('letta-gateway')).toBe('letta-gateway');
    expect(certificate.ca).toBe(false);
    expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(new Date(certificate.validFrom).getTime()).toBeLessThan(Date.now() - 3_600_000);
    expect(new Date(certificate.validTo).getTime()).toBeGreaterThan(Date.now() + 9 * 365 * 86_400_000);
  });

  test('is another one at each start', async () => {
    const other = await selfSignedCertificate('letta-gateway');
    expect(other.key).not.toBe(identity.key);
    expect(new X509Certificate(other.cert).serialNumber).not.toBe(new X509Certificate(identity.cert).serialNumber);
  });
});

describe('the listener', () => {
  test('answers by TLS with that certificate', async () => {
    const { port } = await start();
    expect(await get(port)).toBe('hello');
    expect((await secured(port)).getPeerX509Certificate()?.serialNumber).toBe(
      new X509Certificate(identity.cert).serialNumber,
    );
  });

  test.each<SecureVersion>(['TLSv1.2', 'TLSv1.3'])('speaks %s', async (version) => {
    const { port } = await start();
    expect((await secured(port, version)).getProtocol()).toBe(version);
  });

  test('speaks nothing older', async () => {
    const { port } = await start();
    await expect(secured(port, 'TLSv1.1')).rejects.toThrow();
  });

  test.each([
    ['plain HTTP', 'GET /v1/health/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['what is neither', '\0\xff'.repeat(1_000)],
  ])('hangs up on %s, without a word of HTTP, and goes on', async (_what, bytes) => {
    let requests = 0;
    const { port } = await start((_request, response) => {
      requests += 1;
      response.end('hello');
    });
    expect(await rawExchange(port, bytes)).not.toContain('HTTP/1.1 200');
    expect(requests).toBe(0);
    expect(await get(port)).toBe('hello');
  });

  test("answers the container's health check, which opens a connection and no more", async () => {
    const { port } = await start();
    expect(await acceptsConnections(port, '127.0.0.1', 1_000)).toBe(true);
    expect(await get(port)).toBe('hello');
  });
});

describe('a drain', () => {
  test('lets an answer in flight finish and closes the connection after it', async () => {
    let finish: () => void = () => undefined;
    const { server, port } = await start((_request, response) => {
      response.write('first ');
      finish = () => response.end('last');
    });
    const answer = get(port);
    await until(() => finish.length === 0 && finish.toString().includes('last'), 'the request');
    const drained = drain(server, 10_000);
    // Longer than what an unused connection gets: this one is in use.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    finish();
    expect(await answer).toBe('first last');
    await drained;
  });

  test('closes idle connections at once and unused ones soon, long before its deadline', async () => {
    const { server, port } = await start();
    await get(port);
    const unused = await secured(port);
    const began = Date.now();
    await drain(server, 60_000);
    expect(Date.now() - began).toBeLessThan(20_000);
    await until(() => unused.destroyed || unused.readableEnded || unused.closed, 'the end of the unused one');
  });

  test('cuts an answer without end at its deadline, and a handshake that never ends', async () => {
    const { server, port } = await start((_request, response) => void response.write('endless'));
    const answer = get(port);
    const silent: Socket = connectTcp({ host: '127.0.0.1', port });
    toEnd.push(() => silent.destroy());
    await until(() => silent.readyState === 'open', 'the connection');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const began = Date.now();
    const [cut] = await Promise.all([answer.catch((error: Error) => error), drain(server, 200)]);
    expect(cut).toMatchObject({ message: expect.stringMatching(/aborted|hang up|RESET/) });
    expect(Date.now() - began).toBeLessThan(20_000);
  });
});
