import { BedrockAgentCoreClient } from '@aws-sdk/client-bedrock-agentcore';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SandboxRun } from '../../../../runtime/contract';
import { CodeInterpreterRunner } from '../../../../runtime/gateway/sandbox/code-interpreter-runner';
import { until } from '../support';
import { AGENT } from './sandbox-stand';

const settings = {
  kind: 'codeInterpreter',
  codeInterpreterId: 'tools-a1b2C3d4E5',
  sessionIdleSeconds: 900,
  timeoutSeconds: 5,
  maxRunsPerAgent: 5,
} as const;

const never = new AbortController().signal;

/** Sessions whose code really runs, by this machine's Python; all of a session's code so far, as it would be kept. */
function service() {
  const calls: string[] = [];
  const timeouts: (number | undefined)[] = [];
  let fault: Error | undefined;
  let times = 0;
  const client = {
    async send(
      command: {
        constructor: { name: string };
        input: { sessionId?: string; sessionTimeoutSeconds?: number; arguments?: { code: string } };
      },
      { abortSignal: signal }: { abortSignal: AbortSignal },
    ) {
      const { name } = command.constructor;
      calls.push(name.replace(/CodeInterpreter|Command|Session/g, ''));
      if (fault && times-- > 0) throw fault;
      if (name.startsWith('Start')) {
        timeouts.push(command.input.sessionTimeoutSeconds);
        return { sessionId: `session-${calls.length}` };
      }
      if (name.startsWith('Stop')) return {};
      const { stdout, stderr } = await promisify(execFile)('python3', ['-c', command.input.arguments!.code], {
        signal,
      });
      return { stream: [{ result: { content: [], structuredContent: { stdout, stderr } } }] };
    },
    destroy: () => undefined,
  };
  const runner = new CodeInterpreterRunner(client as unknown as BedrockAgentCoreClient, settings);
  return {
    calls,
    timeouts,
    runner,
    fail: (name: string, often = Infinity) => {
      fault = Object.assign(new Error('secret words'), { name });
      times = often;
    },
  };
}

function python(code: string, more: Partial<SandboxRun> = {}): SandboxRun {
  return { kind: 'run', language: 'python', code, environment: {}, timeoutMs: 5_000, ...more };
}

test.each<[string, string, object]>([
  ['an expression', '1 + 1', { outcome: 'result', result: '2' }],
  ['text', "'ü' + '\\n'", { outcome: 'result', result: 'ü\n' }],
  ['a statement', 'x = 1', { outcome: 'result' }],
  ['None', 'None', { outcome: 'result' }],
  ['an await', 'import asyncio\nasync def f():\n    return 3\nawait f()', { outcome: 'result', result: '3' }],
  ['what is printed', "print('a')\n'b'", { outcome: 'result', result: 'b', stdout: 'a\n' }],
  ['an exception', "raise ValueError('no')", { outcome: 'error', error: { name: 'ValueError', value: 'no' } }],
  ['what does not parse', 'def', { outcome: 'error', error: { name: 'SyntaxError' } }],
  ['an exit', 'import sys\nsys.exit(3)', { outcome: 'died', error: { name: 'SystemExit', value: '3' } }],
  ['a variable', "import os\nos.environ['KEY']", { outcome: 'result', result: 'of a user' }],
])('%s', async (_, code, expected) => {
  const { runner } = service();
  const answer = await runner.run(python(code, { environment: { KEY: 'of a user' } }), AGENT, never);
  expect(answer).toMatchObject({ stdout: '', ...expected });
});

test('an endless loop ends by its time-out, and its session with it', async () => {
  const { runner, calls } = service();
  const answer = await runner.run(python('while True: pass', { timeoutMs: 1_000 }), AGENT, never);
  expect(answer).toMatchObject({ outcome: 'timeout', error: { value: 'the tool took longer than 1 s' } });
  expect(calls).toEqual(['Start', 'Invoke', 'Stop']);
});

test('an agent keeps its session, and two of its runs at once come one after the other', async () => {
  const { runner, calls } = service();
  await Promise.all([runner.run(python('1'), AGENT, never), runner.run(python('2'), AGENT, never)]);
  expect(calls).toEqual(['Start', 'Invoke', 'Invoke']);
  await runner.stop();
  expect(calls.at(-1)).toBe('Stop');
});

test('a run without an agent has a session of its own, which ends with it, by itself too', async () => {
  const { runner, calls, timeouts } = service();
  await runner.run(python('1'), 'sbx-1', never);
  expect(calls).toEqual(['Start', 'Invoke', 'Stop']);
  await runner.run(python('1'), AGENT, never);
  expect(timeouts).toEqual([65, 28_800]);
  await runner.stop();
});

test('a run that AWS throttles is tried again in the same session: it has not begun', async () => {
  const { runner, calls, fail } = service();
  await runner.run(python('1'), AGENT, never);
  fail('ThrottlingException', 2);
  expect(await runner.run(python('2'), AGENT, never)).toMatchObject({ result: '2' });
  expect(calls).toEqual(['Start', 'Invoke', 'Invoke', 'Invoke', 'Invoke']);
  await runner.stop();
});

test('a run that AWS goes on to throttle leaves its agent the session, and an end that it throttles is tried again', async () => {
  const { runner, calls, fail } = service();
  await runner.run(python('1'), AGENT, never);
  fail('ThrottlingException', 4);
  await expect(runner.run(python('2'), AGENT, never)).rejects.toThrow(/busy \(ThrottlingException\)/);
  expect(await runner.run(python('3'), AGENT, never)).toMatchObject({ result: '3' });
  expect(calls.filter((call) => call !== 'Invoke')).toEqual(['Start']);
  fail('ThrottlingException', 1);
  await runner.stop();
  expect(calls.slice(-2)).toEqual(['Stop', 'Stop']);
});

test('a run that ends its interpreter is told as that', async () => {
  const { runner, calls } = service();
  await expect(runner.run(python('import os\nos._exit(0)'), AGENT, never)).rejects.toThrow(/ended before the tool did/);
  expect(calls.at(-1)).toBe('Stop');
});

test('a printed imitation of an answer is output and nothing else', async () => {
  const { runner } = service();
  const answer = await runner.run(python("print('letta-' + '0' * 48 + 'e30=')\n7"), AGENT, never);
  expect(answer).toMatchObject({ result: '7', stdout: `letta-${'0'.repeat(48)}e30=\n` });
});

test('a tool in another language is refused by name', async () => {
  const run = service().runner.run(python('1', { language: 'typescript' }), AGENT, never);
  await expect(run).rejects.toThrow('a code interpreter for Python, got typescript');
});

test('a run that nobody waits for any more ends its session, in which code may still run', async () => {
  const { runner, calls } = service();
  const abort = new AbortController();
  const client = runner.run(python('import time\ntime.sleep(2)'), AGENT, abort.signal);
  await until(() => calls.includes('Invoke'), 'the run');
  abort.abort();
  await expect(client).rejects.toThrow('nobody waits for the tool any more');
  expect(calls).toEqual(['Start', 'Invoke', 'Stop']);
});

test('a run that is given up while it waits for its turn leaves the agent its session', async () => {
  const { runner, calls } = service();
  const [first, abort] = [
    runner.run(python('import time\ntime.sleep(0.3)\nkept = 1'), AGENT, never),
    new AbortController(),
  ];
  const waiting = runner.run(python('2'), AGENT, abort.signal);
  await until(() => calls.includes('Invoke'), 'the run');
  abort.abort();
  await expect(waiting).rejects.toThrow('nobody waits for the tool any more');
  expect(await first).toMatchObject({ outcome: 'result' });
  await runner.run(python('3'), AGENT, never);
  expect(calls).toEqual(['Start', 'Invoke', 'Invoke']);
  await runner.stop();
});

test.each([
  ['ThrottlingException', /busy \(ThrottlingException\), try again/],
  ['ServiceQuotaExceededException', /busy/],
  ['ResourceNotFoundException', /gone/],
  ['AccessDeniedException', /could not run the tool: AccessDeniedException$/],
])('%s is told to the agent in words of ours', async (name, told) => {
  const { runner, fail } = service();
  fail(name);
  await expect(runner.run(python('1'), AGENT, never)).rejects.toMatchObject({
    name: 'ToolSandboxError',
    outcome: 'unavailable',
    message: expect.stringMatching(told),
  });
});

test('says which packages are not there', async () => {
  const { runner } = service();
  const requirements = ['pip>=1', 'pip==0.0.1', 'surely-not-there-1', 'a b'];
  const { missing } = await runner.packages({ kind: 'packages', manager: 'pip', requirements });
  expect(missing.map(({ requirement }) => requirement)).toEqual(expect.arrayContaining(['surely-not-there-1', 'a b']));
  const npm = await runner.packages({ kind: 'packages', manager: 'npm', requirements: ['left-pad'] });
  expect(npm.missing).toHaveLength(1);
  await runner.stop();
});
