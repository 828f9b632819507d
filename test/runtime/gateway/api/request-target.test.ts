import fc from 'fast-check';
import { parseRequestTarget } from '../../../../runtime/gateway/api/request-target';

const refused = [
  ['absolute form', 'http://127.0.0.1:8284/v1/tools/run'],
  ['no leading slash', 'v1/agents/'],
  ['asterisk form', '*'],
  ['empty', ''],
  ['double slash at the start', '//v1/agents/'],
  ['double slash inside', '/v1//tools/run'],
  ['double slash at the end', '/v1/agents//'],
  ['dot segment', '/v1/./tools/run'],
  ['dot-dot segment', '/v1/agents/../tools/run'],
  ['encoded dot-dot', '/v1/agents/%2e%2e/tools/run'],
  ['half encoded dot-dot', '/v1/agents/.%2E/tools/run'],
  ['encoded slash', '/v1/agents%2Ftools'],
  ['encoded backslash', '/v1/agents%5c..%5ctools'],
  ['backslash', '/v1\\tools\\run'],
  ['encoded letter', '/v1/tools/%72un'],
  ['encoded digit', '/%76%31/tools/run'],
  ['double encoding', '/v1/tools/%2572un'],
  ['path parameter', '/v1/tools;x=1/run'],
  ['encoded path parameter', '/v1/tools%3bx/run'],
  ['null byte', '/v1/tools/run%00'],
  ['newline', '/v1/tools/run%0a'],
  ['C1 control character', '/v1/tools/run%c2%85'],
  ['encoded question mark', '/v1/tools/run%3fx'],
  ['fragment', '/v1/tools/run#x'],
  ['encoded fragment', '/v1/tools/run%23'],
  ['overlong UTF-8', '/v1/tools/%c0%afrun'],
  ['broken escape', '/v1/tools/%zz'],
  ['lonely percent', '/v1/tools/100%'],
  ['raw non-ASCII', '/v1/tools/\u00e9'],
  ['space', '/v1/tools/run x'],
  ['quote in the query', '/v1/agents/?name="x"'],
  ['fragment in the query', '/v1/agents/?a=1#b'],
  ['too long', `/v1/${'a'.repeat(9000)}`],
];

test.each(refused)('refuses a target with %s', (_what, target) => {
  expect(parseRequestTarget(target)).toEqual({ problem: expect.any(String) });
});

test('accepts what clients send, and leaves it as it is', () => {
  const raw = '/v1/agents/agent-1/core-memory/blocks/a%20b%C3%A9?limit=1&x=%2F..%2F';
  expect(parseRequestTarget(raw)).toEqual({
    target: {
      raw,
      path: '/v1/agents/agent-1/core-memory/blocks/a%20b%C3%A9',
      segments: ['v1', 'agents', 'agent-1', 'core-memory', 'blocks', 'a bé'],
    },
  });
});

test('a trailing slash adds no segment', () => {
  expect(parseRequestTarget('/v1/agents/')).toMatchObject({
    target: { segments: ['v1', 'agents'], path: '/v1/agents/' },
  });
});

test('whatever comes in, an accepted path has one reading: decoding it again changes nothing, and encoding it gives it back', () => {
  const alphabet = fc.constantFrom(
    ...'/.%;\\?#&=+ abz019AZ~-_:@',
    '%2e',
    '%2F',
    '%25',
    '%c3%a9',
    '..',
    '//',
    'é',
    '\0',
  );
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 24 }), (parts) => {
      const parsed = parseRequestTarget('/' + parts.join(''));
      if (!('target' in parsed)) return;
      const { path, segments, raw } = parsed.target;
      expect(raw).toBe('/' + parts.join(''));
      expect(segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..')).toBe(true);
      expect(segments.every((segment) => decodeURIComponent(segment) === segment)).toBe(true);
      // The WHATWG URL parser, which resolves dots and backslashes, sees the same path.
      const url = new URL(path, 'http://x');
      expect(url.pathname.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toLowerCase())).toBe(
        path.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toLowerCase()),
      );
    }),
    { numRuns: 10_000 },
  );
});
