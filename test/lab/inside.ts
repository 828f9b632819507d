import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** An answer to a request that was sent from inside of a task. */
export interface InsideAnswer {
  readonly status: number;
  readonly body: string;
}

const script = `
const [requests] = process.argv.slice(1).map((text) => JSON.parse(text));
const http = require('node:http');
const ask = ({ method, port, path }) => new Promise((resolve, reject) => {
  const request = http.request({ host: '127.0.0.1', port, path, method, timeout: 20000 }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (chunk) => (body += chunk)).on('end', () => resolve({ status: response.statusCode, body }));
  });
  request.on('timeout', () => request.destroy(new Error('no answer in 20 s'))).on('error', reject).end();
});
(async () => {
  const answers = [];
  for (const request of requests) answers.push(await ask(request));
  process.stdout.write(JSON.stringify(answers));
})();
`;

/** Sends requests to loopback ports of a task, past its gateway, one after the other. */
export async function askInside(
  network: string,
  requests: { method: string; port: number; path: string }[],
): Promise<InsideAnswer[]> {
  const enter = [`--net=/run/netns/${network}`, process.execPath, '-e', script, JSON.stringify(requests)];
  const { stdout } = await promisify(execFile)('nsenter', enter, { maxBuffer: 64 * 1024 * 1024, timeout: 120_000 });
  return JSON.parse(stdout) as InsideAnswer[];
}
