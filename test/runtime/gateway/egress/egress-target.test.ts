import fc from 'fast-check';
import { canonicalDestination, egressTarget } from '../../../../runtime/gateway/egress/egress-target';

test.each([
  ['CONNECT', 'nltk.example.com:443', 'nltk.example.com:443'],
  ['CONNECT', 'NLTK.Example.com:443', 'nltk.example.com:443'],
  ['CONNECT', '[2001:DB8:0:0::1]:8443', '[2001:db8::1]:8443'],
  ['GET', 'http://evil.example.com/path?secret=1', 'evil.example.com:80'],
  ['GET', 'http://2130706433/', '127.0.0.1:80'],
  ['GET', 'http://[2001:DB8:0:0::1]/', '[2001:db8::1]:80'],
])('%s %s goes to %s', (method, url, destination) => {
  expect(egressTarget({ method, url })).toMatchObject({ destination });
  expect(egressTarget({ method, url })).not.toHaveProperty('malformed');
});

test('an absolute request keeps path and query, and nothing else of its target', () => {
  expect(egressTarget({ method: 'GET', url: 'http://a.example.com:81/p/%2e?q=1#f' })).toEqual({
    destination: 'a.example.com:81',
    host: 'a.example.com',
    port: 81,
    path: '/p/?q=1',
  });
});

test.each([
  ['POST', 'http://user:secret@evil.example.com:81/', 'evil.example.com:81', 'user information'],
  ['GET', 'https://evil.example.com/', 'evil.example.com:443', 'wants CONNECT'],
  ['GET', 'wss://evil.example.com/', 'evil.example.com:443', 'wants CONNECT'],
  ['GET', 'ws://evil.example.com/', 'evil.example.com:80', 'wants CONNECT'],
])('%s %s is malformed, yet tells where it wanted to go: %s', (method, url, destination, malformed) => {
  expect(egressTarget({ method, url })).toMatchObject({ destination, malformed: expect.stringContaining(malformed) });
});

test.each([
  ['GET', '/secret'],
  ['GET', '*'],
  ['GET', 'evil.example.com:80'],
  ['GET', 'ftp://evil.example.com/'],
  ['GET', 'http://'],
  ['GET', 'http:evil.example.com'],
  ['CONNECT', 'evil.example.com'],
  ['CONNECT', 'evil.example.com:0'],
  ['CONNECT', 'evil.example.com:65536'],
  ['CONNECT', 'evil.example.com:443/'],
  ['CONNECT', 'user@evil.example.com:443'],
  ['CONNECT', '[evil.example.com]:443'],
  ['CONNECT', '2001:db8::1:443'],
  ['CONNECT', 'http://evil.example.com:443'],
  ['CONNECT', ''],
])('%s %s goes nowhere that could be told', (method, url) => {
  expect(egressTarget({ method, url })).toMatchObject({ destination: 'unknown', malformed: expect.any(String) });
});

test.each(['content-length', 'keep-alive, Content-Length', 'Transfer-Encoding', 'x-a,HOST'])(
  'a Connection header that takes away what tells where a request ends or goes is malformed: %s',
  (connection) => {
    expect(egressTarget({ method: 'POST', url: 'http://a.example.com/', headers: { connection } })).toMatchObject({
      destination: 'a.example.com:80',
      malformed: expect.stringContaining('Connection'),
    });
  },
);

test('whatever is asked for, the destination is short and canonical, and the same again when it is read again', () => {
  const part = fc.oneof(fc.webUrl(), fc.domain(), fc.ipV6(), fc.ipV4(), fc.string());
  const url = fc.array(fc.oneof(part, fc.constantFrom(':', '/', '@', '[', ']', '#', '?', '443')), { maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom('CONNECT', 'GET', 'POST'), url, (method, parts) => {
      const { destination, malformed } = egressTarget({ method, url: parts.join('') });
      expect(destination).toMatch(/^(unknown|[a-z0-9._:[\]-]+:\d{1,5})$/);
      expect(destination.length).toBeLessThanOrEqual(262);
      if (malformed === undefined) expect(canonicalDestination(destination)).toBe(destination);
    }),
    { numRuns: 5_000 },
  );
});
