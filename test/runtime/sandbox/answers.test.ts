import { readFileSync } from 'node:fs';
import { SandboxFunction } from './sandbox-function';

jest.setTimeout(60_000);

/** Lambda's limit of an answer (Lambda quotas). */
const LAMBDA_BYTES = 6 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;

const sandbox = new SandboxFunction();
beforeAll(() => sandbox.start());
afterAll(() => sandbox.stop());

/** Writes an end of the tool's own making to the descriptor that tells it. */
const forged = (end: string) => `import os
end = ${end}
while end: end = end[os.write(4, end):]
os._exit(0)`;

/** Most memory that the function's own process has ever used. */
function peakMemory(): number {
  const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${sandbox.pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

test.each([
  ['an exception of control characters', 'raise Exception("\\x01" * 10**6)'],
  ['a class with a name without end', 'raise type("E" * 10**6, (Exception,), {})("é" * 10**6)'],
  [
    'an error of its own making',
    `import json\n${forged('json.dumps({"error": {part: "\\x01" * 50000 for part in ("name", "value", "traceback")}}).encode()')}`,
  ],
])('%s fits into an answer, with all output that there can be', async (_, code) => {
  const output = 'import sys\nfor stream in (sys.stdout, sys.stderr): stream.write("\\x01" * 300000)\n';

  const answer = await sandbox.run(output + code);

  expect(answer.outcome).toBe('error');
  expect(answer.stdout).toContain('cut');
  expect(answer.error?.name.length).toBeLessThanOrEqual(256);
  expect(Buffer.byteLength(JSON.stringify(answer.error))).toBeLessThan(MEBIBYTE / 2);
  expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(LAMBDA_BYTES);
});

test.each([
  ['brackets', '[', '{},', '{}]'],
  ['numbers', '{"error": [', '1.5,', '1]}'],
  ['a result behind a result', '{"result": "x", "more": [', '[],', '[]]}'],
])('an end of %s does not fill the memory of the function', async (_, start, part, end) => {
  const before = peakMemory();

  const answer = await sandbox.run(forged(`b'${start}' + b'${part}' * 1000000 + b'${end}'`));

  expect(answer).toMatchObject({ outcome: 'died', error: { value: expect.stringContaining('exit code 0') } });
  expect(peakMemory() - before).toBeLessThan(40 * MEBIBYTE);
});

test('a result may hold what ends a string in JSON', async () => {
  const text = '"}\\"\\\\{"result": "x"}\u2028é\n\0';

  const python = await sandbox.run(JSON.stringify(text).replaceAll('\\u2028', '\u2028'));
  const node = await sandbox.run(JSON.stringify(text), { language: 'javascript' });

  expect([python.result, node.result]).toEqual([text, text]);
});

test.each([40, 63])('signal %d, which has no name, is an end as any', async (number) => {
  expect(await sandbox.run(`import os\nos.kill(os.getpid(), ${number})`)).toMatchObject({
    outcome: 'died',
    error: { value: expect.stringContaining(`signal ${number}`) },
  });
});

test('a pipe that nobody alive holds open is not waited for', async () => {
  // On their way to each other: only the kernel, some time later, finds out that nobody will receive them.
  const code = `import socket
a, b = socket.socketpair()
for descriptor in (1, 2, 4, b.fileno()): socket.send_fds(a, [b'x'], [descriptor])
socket.send_fds(b, [b'x'], [a.fileno()])
1`;

  const answer = await sandbox.run(code);

  expect(answer).toMatchObject({ outcome: 'result', result: '1' });
  expect(answer.durationMs).toBeLessThan(1000);
});

test.each([
  ['a marker that cannot be compared', 'requests; "a" ~= "b"'],
  ['brackets without end', `requests${'('.repeat(900)}`],
  ['more than anybody writes', `requests==1${'.1'.repeat(1000)}`],
])('a requirement with %s is one that cannot be read', async (_, requirement) => {
  const answer = await sandbox.ask({ kind: 'packages', manager: 'pip', requirements: [requirement, 'requests'] });

  expect(answer).toEqual({ missing: [{ requirement, reason: expect.stringContaining('cannot be read') }] });
});
