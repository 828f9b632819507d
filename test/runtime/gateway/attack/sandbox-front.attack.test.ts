import fc from 'fast-check';
import { rawExchange } from '../support';
import { finished, sandboxStand } from '../sandbox/sandbox-stand';

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
