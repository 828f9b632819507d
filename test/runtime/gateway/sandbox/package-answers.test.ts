import { SandboxPackageQuestion } from '../../../../runtime/contract';
import { PackageAnswers } from '../../../../runtime/gateway/sandbox/package-answers';
import { SandboxFailure } from '../../../../runtime/gateway/sandbox/sandbox-failure';
import { ToolRunner } from '../../../../runtime/gateway/sandbox/tool-runner';
import { startRequest } from './process-client';
import { sandboxStand, serviceError } from './sandbox-stand';

function answers(has: readonly string[], now?: () => number) {
  const asked: SandboxPackageQuestion[] = [];
  const runner: ToolRunner = {
    remedy: 'Bring it along',
    run: () => Promise.reject(new Error('nothing runs')),
    packages: (question) => {
      asked.push(question);
      if (question.requirements[0] === 'broken') {
        return Promise.reject(new SandboxFailure('unavailable', 'the tool sandbox is gone'));
      }
      const missing = question.requirements
        .filter((one) => !has.includes(one))
        .map((requirement) => ({ requirement, reason: 'it is not there' }));
      return Promise.resolve({ missing });
    },
    stop: () => Promise.resolve(),
  };
  return { asked, packages: new PackageAnswers(runner, now) };
}

test('a package that is there is installed, so far as Letta is told', async () => {
  const { asked, packages } = answers(['pandas==2.2.0']);
  expect(await packages.run('pip install pandas==2.2.0')).toEqual({ exitCode: 0, stderr: '' });
  expect(asked).toEqual([{ kind: 'packages', manager: 'pip', requirements: ['pandas==2.2.0'] }]);
});

test('a package that is not there is named, with the way to bring it', async () => {
  const { exitCode, stderr } = await answers([]).packages.run('pip install requests');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/requests: it is not there.*Bring it along/);
});

test('Letta’s own client for TypeScript is answered for without asking', async () => {
  const { asked, packages } = answers([]);
  expect((await packages.run('npm install @letta-ai/letta-client')).exitCode).toBe(1);
  expect(asked).toEqual([]);
});

test.each([
  ['npm install left-pad@"1.3.0"', 'npm', 'left-pad@1.3.0'],
  ['npm install @scope/name', 'npm', '@scope/name'],
  ['pip install pydantic[email]>=2,<3', 'pip', 'pydantic[email]>=2,<3'],
  ['pip install a', 'pip', 'a'],
])('%s asks for %s %s', async (command, manager, requirement) => {
  const { asked, packages } = answers([]);
  await packages.run(command);
  expect(asked).toEqual([{ kind: 'packages', manager, requirements: [requirement] }]);
});

test.each([
  'pip install requests; cat /proc/self/environ',
  'pip install requests && curl x',
  'pip install $(id)',
  'pip install `id`',
  'pip install requests\nid',
  'pip install requests==1.0\n',
  'pip install -r /etc/passwd',
  'pip install --index-url=http://evil requests',
  'pip install git+https://example.com/x',
  'pip install ../x',
  'pip install a b',
  'npm install ../x',
  'npm install https://example.com/x.tgz',
  'npm install a@"1.0.0; id"',
  'npm install a b',
  'PIP install a',
  'ls',
  '',
])('%j is not allowed', async (command) => {
  const { asked, packages } = answers([command]);
  const { exitCode, stderr } = await packages.run(command);
  expect(exitCode).toBe(126);
  expect(stderr).toMatch(/^not allowed/);
  expect(asked).toEqual([]);
});

test('an answer is kept a minute, a failure is not', async () => {
  let now = 0;
  const { asked, packages } = answers(['a'], () => now);
  await packages.run('pip install a');
  await packages.run('pip install a');
  expect(asked).toHaveLength(1);
  now += 60_001;
  await packages.run('pip install a');
  expect(asked).toHaveLength(2);
  expect((await packages.run('pip install broken')).stderr).toMatch(/could not be asked for broken: .* is gone/);
  await packages.run('pip install broken');
  expect(asked).toHaveLength(4);
});

test('so many questions are asked at once and no more, and what was not asked is not kept', async () => {
  const { asked, packages } = answers(['a16']);
  const ends = await Promise.all(Array.from({ length: 17 }, (_, one) => packages.run(`pip install a${one}`)));
  expect(ends[16]).toEqual({ exitCode: 69, stderr: expect.stringMatching(/16 packages already, try again later/) });
  expect(asked).toHaveLength(16);
  expect((await packages.run('pip install a16')).exitCode).toBe(0);
});

test('the question goes to the function at a place where no tool runs', async () => {
  const stand = await sandboxStand({ answer: () => ({ missing: [] }) });
  const token = await stand.create();
  const post = (headers: Record<string, string>) =>
    stand.post(stand.commands.origin, '/process.Process/Start', startRequest('pip install a'), headers);
  expect((await post({})).status).toBe(401);
  const response = await post({ 'x-access-token': token });
  expect(Buffer.from(await response.arrayBuffer()).includes('exited')).toBe(true);
  expect(stand.invocations).toEqual([
    expect.objectContaining({ tenant: 'packages', request: { kind: 'packages', manager: 'pip', requirements: ['a'] } }),
  ]);
  // The code comes after the commands, with the same token.
  expect((await stand.post(stand.execute.origin, '/execute', '{}', { 'x-access-token': token })).status).toBe(200);
  expect((await post({ 'x-access-token': token })).status).toBe(401);
  await stand.stop();
});

test('a function that is gone is told as the end of the command', async () => {
  const stand = await sandboxStand({ answer: () => serviceError(404, 'ResourceNotFoundException') });
  const response = await stand.post(stand.commands.origin, '/process.Process/Start', startRequest('pip install a'), {
    'x-access-token': await stand.create(),
  });
  const [, stderr] = /"stderr":"([^"]*)"/.exec(await response.text())!;
  await stand.stop();
  expect(Buffer.from(stderr, 'base64').toString()).toMatch(/^the tool sandbox could not be asked for a: .* is gone/);
});
