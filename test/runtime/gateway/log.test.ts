import { describeError, jsonLog } from '../../../runtime/gateway/log';

test('one JSON object a line', () => {
  const lines: string[] = [];
  const log = jsonLog((line) => lines.push(line));
  log.warn('something', { path: 'a\nb"c' });
  expect(lines).toHaveLength(1);
  expect(lines[0].endsWith('}\n')).toBe(true);
  expect(lines[0].trimEnd()).not.toContain('\n');
  expect(JSON.parse(lines[0])).toMatchObject({ level: 'warn', event: 'something', path: 'a\nb"c' });
});

test('a presigned URL in an error does not get into the log', () => {
  const lines: string[] = [];
  const token = 'db:5432/?Action=connect&X-Amz-Security-Token=abc%2F&X-Amz-Signature=0123&X-Amz-Credential=AKID%2F1';
  jsonLog((line) => lines.push(line)).error('x', {
    reason: describeError(new Error(`login with ${token} failed`)),
    token,
  });
  expect(lines[0]).not.toMatch(/abc%2F|0123|AKID/);
});
