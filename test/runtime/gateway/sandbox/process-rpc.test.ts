import fc from 'fast-check';
import { commandAnswer, MalformedCall, shellCommand } from '../../../../runtime/gateway/sandbox/process-rpc';
import { startRequest } from './process-client';

test('reads what Letta’s client sends', () => {
  expect(shellCommand(startRequest('pip install requests'))).toBe('pip install requests');
});

test('any command of any length is read as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 2000 }), (command) => {
      expect(shellCommand(startRequest(command))).toBe(command);
    }),
  );
});

test.each([
  ['an empty body', Buffer.alloc(0)],
  ['a compressed envelope', Buffer.concat([Buffer.from([1]), startRequest('x').subarray(1)])],
  ['an envelope that is cut', startRequest('x').subarray(0, -1)],
  ['another program', startRequest('x', ['/bin/sh', '-l', '-c'])],
  ['other arguments', startRequest('x', ['/bin/bash', '-c'])],
])('%s is refused', (_, body) => {
  expect(() => shellCommand(body)).toThrow(MalformedCall);
});

test('whatever the bytes are, they are a command or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const header = Buffer.alloc(5);
      header.writeUInt32BE(bytes.length, 1);
      try {
        expect(typeof shellCommand(Buffer.concat([header, bytes]))).toBe('string');
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedCall);
      }
    }),
    { numRuns: 5_000 },
  );
});

test('an answer is a start, what was written, an end and the end of the stream', () => {
  expect(commandAnswer({ stderr: 'no', exitCode: 1 }).toString('hex')).toBe(
    [
      '0000000006' + '0a04' + '0a02' + '0801',
      '0000000008' + '0a06' + '1204' + '12026e6f',
      '0000000010' + '0a0e' + '1a0c' + '0802' + '1001' + '1a06' + Buffer.from('exited').toString('hex'),
      '0200000002' + '7b7d',
    ].join(''),
  );
});
