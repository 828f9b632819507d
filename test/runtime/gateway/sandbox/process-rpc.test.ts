import fc from 'fast-check';
import { commandAnswer, MalformedCall, shellCommand } from '../../../../runtime/gateway/sandbox/process-rpc';
import { enveloped, startRequest } from './process-client';

test('reads the command that Letta’s client sends', () => {
  expect(shellCommand(startRequest('pip install requests'))).toBe('pip install requests');
});

test.each([
  ['an empty body', Buffer.alloc(0)],
  ['a compressed envelope', Buffer.concat([Buffer.from([1]), startRequest('x').subarray(1)])],
  ['an envelope that is cut', startRequest('x').subarray(0, -1)],
  ['two envelopes', Buffer.concat([startRequest('x'), startRequest('x')])],
  ['another program', startRequest('x', ['/bin/sh', '-l', '-c'])],
  ['other arguments', startRequest('x', ['/bin/bash', '-c'])],
  ['no process', enveloped(Buffer.from('{}'))],
  ['no object', enveloped(Buffer.from('[]'))],
  ['a command that is none', enveloped(Buffer.from('{"process":{"cmd":"/bin/bash","args":["-l","-c",1]}}'))],
])('%s is refused', (_, body) => {
  expect(() => shellCommand(body)).toThrow(MalformedCall);
});

test('whatever the message is, it is a command or refused', () => {
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.json().map((json) => Buffer.from(json)),
  );
  fc.assert(
    fc.property(message, (bytes) => {
      try {
        expect(typeof shellCommand(enveloped(Buffer.from(bytes)))).toBe('string');
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedCall);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('an answer is a start, what was written, an end and the end of the stream', () => {
  const answer = commandAnswer({ stderr: 'no', exitCode: 1 });
  const envelopes: [number, unknown][] = [];
  for (let at = 0; at < answer.length;) {
    const length = answer.readUInt32BE(at + 1);
    envelopes.push([answer[at], JSON.parse(answer.toString('utf8', at + 5, at + 5 + length))]);
    at += 5 + length;
  }
  expect(envelopes).toEqual([
    [0, { event: { start: { pid: 1 } } }],
    [0, { event: { data: { stderr: Buffer.from('no').toString('base64') } } }],
    [0, { event: { end: { exitCode: 1, exited: true, status: 'exit status 1' } } }],
    [2, {}],
  ]);
});
