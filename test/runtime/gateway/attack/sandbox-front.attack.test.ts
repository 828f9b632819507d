import fc from 'fast-check';
import { rawExchange } from '../support';
import { finished, sandboxStand, toolRun } from '../sandbox/sandbox-stand';
import { expectHttpAnswers, hostileExchange, hostileRequest, REQUESTS } from './hostile-http';

test('2,000 hostile requests to the sandbox: no crash, no hang, and no code runs without a token', async () => {
  const stand = await sandboxStand({ answer: () => finished('1') });
  const ports = [stand.control.port, stand.execute.port, stand.commands.port];
  const line = fc.constantFrom(
    'POST /sandboxes',
    'POST /execute',
    'POST /process.Process/Start',
    'POST /execute?x',
    'GET /',
    'POST //execute',
    'OPTIONS *',
  );
  const header = fc.oneof(
    fc.constantFrom('X-Access-Token: the-gateway-signs', 'X-API-Key: x', 'X-Access-Token:', 'Content-Encoding: gzip'),
    fc
      .tuple(fc.constantFrom('X-Access-Token', 'X-API-Key'), fc.stringMatching(/^[!-~]{0,70}$/))
      .map((pair) => pair.join(': ')),
  );
  const body = fc.oneof(fc.json(), fc.string({ maxLength: 200 }), fc.constant('{"code":"1","env_vars":null}'));
  await fc.assert(
    fc.asyncProperty(
      line,
      fc.array(header, { maxLength: 3 }),
      body,
      fc.constantFrom(...ports),
      async (start, headers, text, port) => {
        const bytes = Buffer.from(text).toString('latin1');
        const head = [
          `${start} HTTP/1.1`,
          'Host: localhost',
          'Connection: close',
          `Content-Length: ${bytes.length}`,
          ...headers,
        ];
        const answer = await rawExchange(port, `${head.join('\r\n')}\r\n\r\n${bytes}`);
        expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
      },
    ),
    { numRuns: 2_000 },
  );
  expect(stand.invocations).toEqual([]);
  await stand.stop();
}, 60_000);

const runBody = JSON.stringify(toolRun());

/** In the place of a token, each request's own. */
const TOKEN = 't'.repeat(64);

const hostileRun = hostileRequest({
  methods: ['POST'],
  targets: ['/execute'],
  headers: [`X-Access-Token: ${TOKEN}`, 'Content-Type: application/json'],
  bodies: [
    runBody,
    runBody.replace('"env_vars":{', '"env_vars":{"__proto__":"x","constructor":"y",'),
    '{"code":"1","code":"2","env_vars":null,"language":"ts"}',
    '{"code":"1","env_vars":{"LETTA_AGENT_ID":"packages","A":["x"]}}',
    '{"code":{"toString":1},"__proto__":{"code":"1"}}',
  ],
});

test(`${REQUESTS} hostile requests with a good token: each is answered or cut, a token runs once, and what runs is whole`, async () => {
  const stand = await sandboxStand({
    answer: () => finished('e30='),
    limits: { timeoutSeconds: 10, maxRunsPerAgent: 1_000 },
  });
  const atOnce = 20;
  let ran = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(hostileRun, { minLength: atOnce, maxLength: atOnce }), async (requests) => {
      const tokens = await Promise.all(requests.map(() => stand.create()));
      const sent = requests.map((bytes, at) => bytes.replaceAll(TOKEN, tokens[at]));
      const before = stand.invocations.length;
      const answers = await Promise.all(sent.map((bytes) => hostileExchange(stand.execute.port, bytes)));
      expectHttpAnswers(answers.map((answer, at) => ({ sent: sent[at], answer })));
      const runs = stand.invocations.slice(before).map(({ request }) => request);
      expect(runs.length).toBeLessThanOrEqual(atOnce);
      for (const { kind, code, environment } of runs) {
        expect([kind, typeof code]).toEqual(['run', 'string']);
        for (const value of Object.values(environment)) expect(typeof value).toBe('string');
      }
      ran += runs.length;
      // None of the tokens is good for anything any more, unless its request did not even show it.
      const again = await Promise.all(
        tokens
          .filter((_, at) => answers[at].startsWith('HTTP/1.1 200'))
          .map((token) => stand.post(stand.execute.origin, '/execute', runBody, { 'x-access-token': token })),
      );
      for (const { status } of again) expect(status).toBe(401);
    }),
    { numRuns: REQUESTS / atOnce, endOnFailure: true },
  );
  // The attack got to where code runs.
  expect(ran).toBeGreaterThan(REQUESTS / 50);
  expect(stand.log.lines).toEqual([]);
  await stand.stop();
}, 300_000);
