import https from 'node:https';
import { waitFor } from '../../../lab/wait';

/** What `GET /v1/ready/` says. */
export interface Readiness {
  readonly status: number;
  readonly checks: Record<string, string>;
  readonly body: string;
}

/** Asks a task, with TLS and whatever certificate it shows if the URL says so. */
export async function ask(url: string, path: string): Promise<{ status: number; body: string }> {
  if (url.startsWith('http:')) {
    const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) });
    return { status: answer.status, body: await answer.text() };
  }
  return new Promise((resolve, reject) => {
    const request = https.get(`${url}${path}`, { rejectUnauthorized: false, timeout: 10_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in 10 s'))).on('error', reject);
  });
}

/** Waits until the readiness view names exactly these as failing; what it says is at most 5 s old. */
export async function untilFailing(url: string, failing: string[], timeout = 15_000): Promise<Readiness> {
  let last: Readiness | undefined;
  return waitFor(
    `${url}/v1/ready/ to say that ${failing.join(', ') || 'nothing'} fails`,
    async () => {
      const { status, body } = await ask(url, '/v1/ready/');
      const { checks = {} } = JSON.parse(body) as { checks?: Record<string, string> };
      last = { status, checks, body };
      const found = Object.keys(checks).filter((name) => checks[name] !== 'ok');
      return Object.keys(checks).length === 4 && found.sort().join() === [...failing].sort().join() && last;
    },
    { timeout, evidence: () => JSON.stringify(last) },
  );
}
