import { IncomingHttpHeaders } from 'node:http';
import { Pool } from 'undici';
import { routeTable } from '../../../../runtime/gateway/api/route-verdicts';
import { apiFront, PASSWORD } from '../api/api-front-parts';
import { bodyOf, close, listening, recordingLog, upstream } from '../support';
import { attack, expectHttpAnswers, hostileRequest, SMUGGLED } from './hostile-http';

interface Forwarded {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** The table read as a server behind us would read a path: decoded as a whole, then matched. */
const rows = routeTable().map(({ methods, pattern, rule }) => ({
  methods,
  open: rule.kind === 'open',
  matches: new RegExp(
    `^/(v1|latest)${pattern.replaceAll('/**', '(/.*)?').replaceAll('/*', '/[^/]+').replaceAll('.', '\\.')}/?$`,
  ),
}));

function isOpen({ method, url }: Forwarded): boolean {
  const path = decodeURIComponent(url.split('?', 1)[0]);
  const matching = rows.filter(
    ({ methods, matches }) => matches.test(path) && (methods.includes(method) || methods.includes('*')),
  );
  return matching.length > 0 && matching.every(({ open }) => open);
}

test('10,000 hostile requests: no crash, no hang, and nothing forwarded that the table does not open', async () => {
  const forwarded: Forwarded[] = [];
  const letta = await upstream(async (request, response) => {
    forwarded.push({ method: request.method!, url: request.url!, headers: request.headers });
    await bodyOf(request).catch(() => undefined);
    response.end('{"ok":true}');
  });
  let forwardedInAll = 0;
  const log = recordingLog();
  const pool = new Pool(letta.origin);
  const front = await listening(await apiFront({ letta: pool, log }));
  const targets = routeTable().map(({ pattern }) => `/v1${pattern.replace('/**', '/x').replaceAll('*', 'agent-1')}`);
  const request = hostileRequest({
    targets: [...targets, '/v1/health/', '/v1/ready/', '/openapi.json', '/'],
    headers: [`Authorization: Bearer ${PASSWORD}`, 'Origin: https://ade.example.com', 'Content-Type: application/json'],
    bodies: ['{"messages":[{"role":"user","content":"hello"}]}', '{"name":"x","source_code":"import os"}'],
  });
  try {
    await attack(front.port, request, (exchanges) => {
      expectHttpAnswers(exchanges);
      const seen = forwarded.splice(0);
      forwardedInAll += seen.length;
      expect(seen.filter((one) => !isOpen(one))).toEqual([]);
      expect(seen.filter(({ url }) => url.includes(SMUGGLED))).toEqual([]);
      for (const { headers } of seen) {
        expect(Object.keys(headers)).not.toEqual(
          expect.arrayContaining([expect.stringMatching(/^(authorization|x-bare-password|user_id|cookie|upgrade)$/)]),
        );
      }
      log.lines.length = 0;
    });
    // Else the requests were so strange that nothing was judged at all.
    expect(forwardedInAll).toBeGreaterThan(200);
    const after = await fetch(`${front.origin}/v1/agents/`, { headers: { authorization: `Bearer ${PASSWORD}` } });
    expect([after.status, await after.text()]).toEqual([200, '{"ok":true}']);
  } finally {
    await close(front.server);
    await pool.destroy();
    await close(letta.server);
  }
}, 180_000);
