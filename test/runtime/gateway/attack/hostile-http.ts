import { connect } from 'node:net';
import fc from 'fast-check';

/** What a client sends that has read how proxies and servers disagree: bytes, not requests. */

export const SMUGGLED = 'smuggled';

/** How many requests each listener gets; fast-check prints the seed and the smallest request of a failure. */
export const REQUESTS = 10_000;
const AT_ONCE = 20;

export interface HostileHttp {
  /** Methods it knows; @default - the usual five */
  readonly methods?: readonly string[];
  /** Targets that mean something to the listener, to be bent. */
  readonly targets: readonly string[];
  /** Whole header lines that mean something to it. */
  readonly headers: readonly string[];
  /** Bodies that mean something to it, to be bent. */
  readonly bodies: readonly string[];
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'get', 'PROPFIND'];

const VERSIONS = ['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', 'HTTP/0.9', ''];

/** Ways to write a path that another parser reads as a different one. */
const BENDS: readonly ((target: string) => string)[] = [
  (target) => target.replace('/', '//'),
  (target) => target.replace(/\/([^/]+)/, '/./$1'),
  (target) => target.replace(/\/([^/]+)/, '/$1/x/..'),
  (target) => target.replace(/\/([^/]+)$/, '%2f$1'),
  (target) => target.replace(/\/([^/]+)$/, '/%2e%2e/$1'),
  (target) => target.replace(/([a-z])/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (target) => target.replace(/([a-z])/, (letter) => `%25${letter.charCodeAt(0).toString(16)}`),
  (target) => target.replace(/\/([^/]+)$/, ';x=1/$1'),
  (target) => `${target};jsessionid=1`,
  (target) => `${target}?x=/../admin`,
  (target) => `${target}#/v1/health/`,
  (target) => `${target}%00`,
  (target) => `${target}%0d%0ax:%20y`,
  (target) => `${target}/`,
  (target) => target.toUpperCase(),
  (target) => target.replaceAll('/', '\\'),
  (target) => `http://127.0.0.1:8284${target}`,
  (target) => `@evil.example.com${target}`,
  (target) => `${target} HTTP/1.1\r\nX-Injected: 1\r\nx: `,
  (target) => target.replace('o', '\u00f6'),
  (target) => `/v1/health/..${target}`,
  (target) => `${target}${'a'.repeat(9_000)}`,
];

const smuggledRequest = `GET /v1/agents/${SMUGGLED} HTTP/1.1\r\nHost: x\r\n\r\n`;

const hostileHeader = fc.oneof(
  fc.constantFrom(
    'Content-Length: 0',
    'Content-Length: 5',
    'Content-Length: -1',
    'Content-Length: +5',
    'Content-Length: 0x5',
    'Content-Length: 5, 6',
    'Content-Length: 99999999999999999999',
    'Content-Length : 5',
    'Content_Length: 5',
    'Content-Length: 5\r\nContent-Length: 6',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding:\tchunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding\n: chunked',
    ' Transfer-Encoding: chunked',
    'Expect: 100-continue',
    'Expect: 200-ok',
    'Connection: upgrade\r\nUpgrade: websocket',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    'Connection: keep-alive',
    'Connection: authorization',
    'user_id: user-00000000-0000-4000-8000-000000000000',
    'X-Forwarded-For: 1.2.3.4\u0000, ::1',
    'X-Forwarded-Proto: javascript',
    'X-Request-Id: a\tb',
    'X-Request-Id: "}{"level":"forged"',
    'Host: evil.example.com/\\@127.0.0.1',
    'X: a\nX-Injected: 1',
    'X: a\rX-Injected: 1',
    'X-Null: \u0000',
    'Cookie: a=b',
    ': empty',
    'no colon at all',
  ),
  fc.tuple(fc.string({ maxLength: 12 }), fc.string({ maxLength: 40 })).map(([name, value]) => `${name}: ${value}`),
  fc.integer({ min: 0, max: 40_000 }).map((length) => `X-Long: ${'x'.repeat(length)}`),
);

function hostileBody(bodies: readonly string[]): fc.Arbitrary<string> {
  const meaningful = bodies.length > 0 ? fc.constantFrom(...bodies) : fc.constant('{}');
  return fc.oneof(
    fc.constant(''),
    meaningful,
    meaningful.chain((body) => fc.nat(body.length).map((end) => body.slice(0, end))),
    fc
      .tuple(meaningful, fc.nat(), fc.integer({ min: 0, max: 255 }))
      .map(([body, at, byte]) => replaceAt(body, at % (body.length || 1), String.fromCharCode(byte))),
    fc.json(),
    fc.string({ maxLength: 200 }),
    fc.integer({ min: 1, max: 20_000 }).map((depth) => '['.repeat(depth)),
    fc.constantFrom(smuggledRequest, `0\r\n\r\n${smuggledRequest}`, `5\r\nhello\r\n0\r\n\r\n${smuggledRequest}`),
    fc.constantFrom(
      '5;x=1\r\nhello\r\n0\r\n\r\n',
      '5\nhello\n0\n\n',
      '0x5\r\nhello\r\n0\r\n\r\n',
      'fffffffffff\r\n',
      '-1\r\n',
    ),
  );
}

function replaceAt(text: string, at: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + 1);
}

/** One connection's worth of bytes. */
export function hostileRequest({
  methods = METHODS.slice(0, 5),
  targets,
  headers,
  bodies,
}: HostileHttp): fc.Arbitrary<string> {
  const known = fc.constantFrom(...targets);
  const target = fc.oneof(
    { weight: 4, arbitrary: known },
    { weight: 5, arbitrary: fc.tuple(known, fc.constantFrom(...BENDS)).map(([path, bend]) => bend(path)) },
    { weight: 1, arbitrary: fc.string({ maxLength: 60 }).map((path) => `/${path}`) },
    { weight: 1, arbitrary: fc.webUrl({ withQueryParameters: true, withFragments: true }) },
  );
  const header = fc.oneof(
    { weight: 3, arbitrary: headers.length > 0 ? fc.constantFrom(...headers) : fc.constant('Accept: */*') },
    { weight: 2, arbitrary: hostileHeader },
  );
  const method = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...METHODS) }, fc.string({ maxLength: 8 }));
  const sane = { version: fc.constant('HTTP/1.1'), newline: fc.constant('\r\n'), trailing: fc.constant('') };
  // Half of them hold one lie only, so that it is judged, and not refused for another one before.
  const bentTarget = fc.record({
    ...sane,
    method: fc.constantFrom(...methods),
    target,
    headers: fc.constant(headers),
    body: fc.constantFrom('', ...bodies),
    framing: fc.constant('length'),
  });
  const bentFraming = fc.record({
    method,
    target,
    version: fc.oneof({ weight: 12, arbitrary: sane.version }, fc.constantFrom(...VERSIONS)),
    headers: fc.array(header, { maxLength: 6 }),
    body: hostileBody(bodies),
    framing: fc.constantFrom('length', 'length', 'length', 'chunked', 'none', 'short', 'long'),
    newline: fc.oneof({ weight: 12, arbitrary: sane.newline }, fc.constant('\n'), fc.constant('\r')),
    trailing: fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.constant(smuggledRequest), fc.string()),
  });
  return fc.oneof(bentTarget, bentFraming).map((request) => {
    const { body, framing, newline } = request;
    const line = `${request.method} ${request.target} ${request.version}`;
    const head = [line, 'Host: gateway', ...request.headers, ...framingOf(framing, body)];
    const sent = framing === 'chunked' ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
    return `${head.join(newline)}${newline}${newline}${sent}${request.trailing}`;
  });
}

function framingOf(framing: string, body: string): string[] {
  if (framing === 'chunked') return ['Transfer-Encoding: chunked'];
  if (framing === 'none') return [];
  return [`Content-Length: ${Math.max(0, body.length + (framing === 'short' ? -1 : framing === 'long' ? 1 : 0))}`];
}

const HANG_MS = 5_000;

/** Sends bytes, says that there are no more, and returns all that comes back until the connection is closed. */
export function hostileExchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.end(bytes, 'latin1'));
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (answer += chunk));
    // A reset is an answer too: the listener would not read on.
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
    socket.setTimeout(HANG_MS, () => {
      socket.destroy();
      reject(new Error(`the listener hangs on ${JSON.stringify(bytes.slice(0, 400))}`));
    });
  });
}

export interface Exchange {
  readonly sent: string;
  readonly answer: string;
}

/** `REQUESTS` hostile requests in batches; `check` is given each batch's requests with their answers. */
export function attack(
  port: number,
  request: fc.Arbitrary<string>,
  check: (exchanges: readonly Exchange[]) => void,
): Promise<void> {
  return attackWith(port, request, fc.constant(undefined), { prepare: () => undefined, check });
}

/** The same with a surrounding that is made anew for each batch. */
export async function attackWith<Surrounding>(
  port: number,
  request: fc.Arbitrary<string>,
  surrounding: fc.Arbitrary<Surrounding>,
  { prepare, check }: { prepare: (surrounding: Surrounding) => void; check: (exchanges: readonly Exchange[]) => void },
): Promise<void> {
  const batch = fc.array(request, { minLength: AT_ONCE, maxLength: AT_ONCE });
  await fc.assert(
    fc.asyncProperty(batch, surrounding, async (requests, around) => {
      prepare(around);
      const answers = await Promise.all(requests.map((bytes) => hostileExchange(port, bytes)));
      check(requests.map((sent, at) => ({ sent, answer: answers[at] })));
    }),
    { numRuns: REQUESTS / AT_ONCE, endOnFailure: true },
  );
}

/** Every answer is one or more HTTP answers or nothing, and no header of it is the attacker's. */
export function expectHttpAnswers(exchanges: readonly Exchange[]): void {
  for (const { sent, answer } of exchanges) {
    if (answer === '') continue;
    if (!/^HTTP\/1\.1 [1-5]\d\d /.test(answer) || /\r\nx-injected:/i.test(answer)) {
      throw new Error(
        `a strange answer to ${JSON.stringify(sent.slice(0, 400))}: ${JSON.stringify(answer.slice(0, 400))}`,
      );
    }
  }
}
