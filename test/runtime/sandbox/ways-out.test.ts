import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SandboxFunction } from './sandbox-function';

jest.setTimeout(60_000);

/** What was asked of the proxy, which lets nothing out. */
const asked: string[] = [];
const proxies: Server = createServer((request, response) => {
  asked.push(request.url!);
  response.writeHead(403).end();
});
proxies.on('connect', (request, socket) => {
  asked.push(request.url!);
  socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
});

const sandbox = new SandboxFunction();
let proxy: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => proxies.listen(0, '127.0.0.1', () => resolve()));
  proxy = `http://user:password@127.0.0.1:${(proxies.address() as AddressInfo).port}`;
  await sandbox.start({ SANDBOX_PASS_CREDENTIALS: 'true', AWS_ACCESS_KEY_ID: 'ASIAX', AWS_SESSION_TOKEN: 'token' });
});
beforeEach(() => void asked.splice(0));
afterAll(async () => {
  proxies.close();
  proxies.closeAllConnections();
  await sandbox.stop();
});

test.each([
  ['requests', 'python', 'import requests\nstr(requests.get("URL").status_code)'],
  ['httpx', 'python', 'import httpx\nstr(httpx.get("URL").status_code)'],
  ['fetch', 'typescript', '(await fetch("URL")).status'],
  ['node:http', 'javascript', 'await new Promise((done) => require("http").get("URL", (got) => done(got.statusCode)))'],
] as const)('%s goes out by the proxy of the run', async (_, language, code) => {
  await sandbox.run(code.replace('URL', 'http://api.example.com:8080/x'), { language, proxy });
  expect(asked.join()).toMatch(/^(http:\/\/)?api\.example\.com:8080/);
});

test('who invokes a function that was allowed goes past the proxy, which does not lead to Lambda', async () => {
  const code = `
import boto3, botocore.config
once = botocore.config.Config(retries={"total_max_attempts": 1}, region_name="eu-central-1")
boto3.client("lambda", config=once).invoke(FunctionName="look-up-orders")`;
  const answer = await sandbox.run(code, { proxy });
  expect(answer).toMatchObject({ outcome: 'error', error: { name: 'EndpointConnectionError' } });
  expect(asked).toEqual([]);
});

test('a proxy that a user sets and that is none is told as the error of the run', async () => {
  const answer = await sandbox.run('1', {
    language: 'javascript',
    proxy,
    environment: { HTTP_PROXY: 'no proxy', http_proxy: 'no proxy' },
  });
  expect(answer).toMatchObject({ outcome: 'error', error: { value: expect.stringContaining('no proxy') as string } });
});
