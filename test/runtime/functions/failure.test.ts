import {
  cut,
  explained,
  failure,
  jsonBytes,
  MAX_MESSAGE_BYTES,
  withoutSecrets,
} from '../../../runtime/functions/failure';

describe('secrets', () => {
  test.each([
    ['postgresql://user:pa55@host/db', 'postgresql://user:***@host/db'],
    ['postgresql://user:p@ss@host/db', 'postgresql://user:***@host/db'],
    ['redis://:pa55@host:6379', 'redis://:***@host:6379'],
    ['?X-Amz-Signature=abc&X-Amz-Date=1', '?X-Amz-Signature=***&X-Amz-Date=***'],
    ['key AKIAIOSFODNN7EXAMPLE', 'key AKIA***'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer ***'],
    ['password = "a b"', 'password = ***'],
    ['{"password":"pa55"}', '{"password":***}'],
  ])('are taken out of %s', (text, clean) => {
    expect(withoutSecrets(text)).toBe(clean);
  });

  test.each(['postgresql://letta_migrator@127.0.0.1:6432/letta', 'http://127.0.0.1:4566/x', 'Running upgrade a -> b'])(
    'are not seen in %s',
    (text) => expect(withoutSecrets(text)).toBe(text),
  );
});

test('a cut text takes at most its bytes inside JSON', () => {
  for (const keep of ['start', 'end'] as const) {
    const text = cut('"é🦄\n'.repeat(500), 100, keep);
    expect(jsonBytes(text)).toBeLessThanOrEqual(100);
    expect(jsonBytes(text)).toBeGreaterThan(90);
  }
});

/** As CDK's provider framework makes CloudFormation's reason of what Lambda reports. */
function reason(error: Error): string {
  const trace = (error.stack ?? '').split('\n');
  return [[error.message, '', `Logs: /aws/lambda/${'f'.repeat(64)}`, ''].join('\n'), ...trace.slice(1)].join('\n');
}

test('a failure fits CloudFormation’s answer of 4096 bytes, stack and ids included', () => {
  const error = failure(new Error(`${'line "quoted"\n'.repeat(2000)}`));
  expect(jsonBytes(error.message)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
  const answer = JSON.stringify({
    Status: 'FAILED',
    Reason: reason(error),
    StackId: `arn:aws:cloudformation:ap-southeast-1:111122223333:stack/${'s'.repeat(128)}/5b8e1a70-0000-11ef-9e2a-0a1b2c3d4e5f`,
    RequestId: '2c9d8a4f-7a0a-4d34-9d5b-6c8f0f4b2f11',
    PhysicalResourceId: 'Resource-2c9d8a4f-7a0a-4d34-9d5b-6c8f0f4b2f11',
    LogicalResourceId: 'ServiceMigrationResource12345678',
    Data: {
      TaskArn: `arn:aws:ecs:ap-southeast-1:111122223333:task/${'c'.repeat(60)}/0123456789abcdef0123456789abcdef`,
    },
  });
  expect(Buffer.byteLength(answer)).toBeLessThan(4096);
});

test('a handler’s error reaches CloudFormation once and without a secret', async () => {
  const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const handler = explained(async () => {
    throw new Error('first line\npostgresql://u:pa55@h/d');
  });
  const error = await handler({}).catch((caught) => caught);
  expect(reason(error).split('first line')).toHaveLength(2);
  expect(reason(error)).not.toContain('pa55');
  expect(log.mock.calls.flat().join()).toContain('first line');
  expect(log.mock.calls.flat().join()).not.toContain('pa55');
  log.mockRestore();
});
