import { once } from 'node:events';
import { connect } from 'node:net';
import { PLACEHOLDER_CREDENTIAL, SandboxMaximum } from '../../../../runtime/contract';
import { until } from '../support';
import {
  AGENT,
  Answer,
  finished,
  FUNCTION_ARN,
  Invocation,
  pythonResult,
  sandboxStand,
  serviceError,
  TOOL,
  toolRun,
} from './sandbox-stand';

type Stand = Awaited<ReturnType<typeof sandboxStand>>;

let stand: Stand;
let answer: (invocation: Invocation) => Answer | Promise<Answer>;

beforeEach(async () => {
  answer = () => finished(pythonResult('{"results": 1, "agent_state": null}'));
  stand = await sandboxStand({ answer: (invocation) => answer(invocation) });
});
afterEach(() => stand.stop());

const decoded = (line: Record<string, unknown>) => Buffer.from(line.text as string, 'base64').toString('utf8');

test('a tool runs in the function, in the place of its agent alone, and its value comes back', async () => {
  const { lines } = await stand.run(toolRun('tool()', { KEY: 'of a user' }));
  expect(lines).toEqual([{ type: 'result', text: expect.any(String), is_main_result: true }]);
  expect(decoded(lines[0])).toBe('{"results":1,"agent_state":null}');
  expect(stand.invocations).toEqual([
    {
      url: `/2015-03-31/functions/${encodeURIComponent(FUNCTION_ARN)}/invocations`,
      tenant: AGENT,
      request: {
        kind: 'run',
        language: 'python',
        code: 'tool()',
        environment: { KEY: 'of a user', LETTA_AGENT_ID: AGENT, LETTA_TOOL_ID: TOOL },
        timeoutMs: 10_000,
      },
    },
  ]);
});

test('a run without an agent has a place of its own, another one each time', async () => {
  const body = { code: '1', language: null, env_vars: { LETTA_TOOL_ID: TOOL } };
  await stand.run(body);
  await stand.run(body);
  await stand.run({ ...body, env_vars: { LETTA_TOOL_ID: TOOL, LETTA_AGENT_ID: 'packages' } });
  const tenants = stand.invocations.map(({ tenant }) => tenant);
  expect(new Set(tenants).size).toBe(3);
  for (const tenant of tenants) expect(tenant).toMatch(/^sbx-[0-9a-f]{24}$/);
});

test('the environment of a sandbox goes to its run', async () => {
  await stand.run({ code: '1', env_vars: null }, { envVars: { LETTA_AGENT_ID: AGENT, A: '1' } });
  expect(stand.invocations[0].request.environment).toEqual({ LETTA_AGENT_ID: AGENT, A: '1' });
});

test('an agent state that comes back is dropped, and the value stays as Python wrote it', async () => {
  answer = () =>
    finished(pythonResult('{"results": [1.0, NaN, 12345678901234567890123, "é"], "agent_state": {"id": "agent-2"}}'));
  const { lines } = await stand.run(toolRun());
  expect(decoded(lines[0])).toBe('{"results":[1.0, NaN, 12345678901234567890123, "é"],"agent_state":null}');
});

test('a TypeScript tool answers with JSON, and without a value with null', async () => {
  answer = () => finished('{"agent_state":{"id":"x"}}');
  const { lines } = await stand.run({ ...toolRun(), language: 'ts' });
  expect(lines).toEqual([{ type: 'result', text: '{"results":null,"agent_state":null}', is_main_result: true }]);
  expect(stand.invocations[0].request.language).toBe('typescript');
});

test('what a tool prints comes before its value, in ASCII and in one line each', async () => {
  answer = () =>
    finished(pythonResult('{"results": null}'), { stdout: 'a\u2028b\u0085c\nü😀', stderr: 'half \ud800, NUL \0' });
  const { text, lines } = await stand.run(toolRun());
  expect(text).toMatch(/^[\n\x20-\x7e]*$/);
  expect(lines).toEqual([
    { type: 'stdout', text: 'a\u2028b\u0085c\nü😀', timestamp: expect.any(Number) },
    { type: 'stderr', text: 'half \ufffd, NUL \ufffd', timestamp: expect.any(Number) },
    expect.objectContaining({ type: 'result' }),
  ]);
});

test('an exception is an error line', async () => {
  const error = { name: 'ValueError', value: 'no', traceback: 'Traceback …' };
  answer = () => ({ outcome: 'error', error, stdout: '', stderr: '', durationMs: 1 });
  const { lines } = await stand.run(toolRun());
  expect(lines).toEqual([{ type: 'error', ...error }]);
  expect(stand.records[0].values).toMatchObject({ ToolRuns: 1, ToolRunsFailed: 1 });
});

test("an exception of Letta's own run_code is on stderr: Letta cannot write an error into its answer", async () => {
  const error = { name: 'ValueError', value: 'no', traceback: 'Traceback …' };
  answer = () => ({ outcome: 'error', error, stdout: '', stderr: '', durationMs: 1 });
  const { lines } = await stand.run({ code: '1', env_vars: null });
  expect(lines).toEqual([{ type: 'stderr', text: 'Traceback …', timestamp: expect.any(Number) }]);
});

test.each<[string, () => Answer, RegExp, string]>([
  [
    'throttled',
    () => serviceError(429, 'TooManyRequestsException'),
    /busy.*Lambda throttled.*try again/,
    'unavailable',
  ],
  ['gone', () => serviceError(404, 'ResourceNotFoundException'), /is gone/, 'unavailable'],
  ['closed to us', () => serviceError(403, 'AccessDeniedException'), /AccessDeniedException$/, 'unavailable'],
  ['broken', () => serviceError(500, 'ServiceException'), /ServiceException$/, 'unavailable'],
  ['silent', () => ({ status: 200, body: '' }), /not JSON/, 'unavailable'],
  ['senseless', () => ({ outcome: 'fine' }), /never should/, 'unavailable'],
  ['senseless about an error', () => ({ outcome: 'error', stdout: '', stderr: '' }), /never should/, 'unavailable'],
  ['senseless about output', () => ({ outcome: 'result', stdout: 1, stderr: '' }), /never should/, 'unavailable'],
  [
    'ended by a tool',
    () => functionError('Runtime.ExitError', 'RequestId: x Error: exit status 1'),
    /ended before the tool did/,
    'died',
  ],
  [
    'out of time',
    () => functionError('Sandbox.Timedout', 'RequestId: x Error: Task timed out after 60.00 seconds'),
    /too long/,
    'timeout',
  ],
  ['out of memory', () => functionError('Runtime.OutOfMemory', 'RequestId: x'), /all memory/, 'died'],
  ['without a handler', () => functionError('Runtime.ImportModuleError', 'No module'), /failed before/, 'unavailable'],
  ['forging base64', () => finished('***'), /cannot be read.*base64/, 'unreadable'],
  ['forging UTF-8', () => finished(Buffer.from([0xff]).toString('base64')), /not UTF-8/, 'unreadable'],
  ['forging JSON', () => finished(pythonResult('{"results": 1')), /no JSON object/, 'unreadable'],
  ['without a value', () => finished(undefined), /without a result/, 'unreadable'],
  ['endless', () => finished('A'.repeat(SandboxMaximum.RESULT + 4)), /larger than/, 'size'],
])('a sandbox that is %s: the agent is told why', async (_, given, told, outcome) => {
  answer = given;
  const { response, lines } = await stand.run(toolRun());
  expect(response.status).toBe(200);
  expect(lines).toEqual([
    { type: 'error', name: 'ToolSandboxError', value: expect.stringMatching(told), traceback: expect.any(String) },
  ]);
  expect(JSON.stringify(lines)).not.toContain('secret words');
  expect(stand.records[0].fields.outcome).toBe(outcome);
  const metric = outcome === 'unavailable' ? 'ToolSandboxFailed' : 'ToolRunsFailed';
  expect(stand.records[0].values).toMatchObject({ ToolRuns: 1, [metric]: 1 });
});

function functionError(errorType: string, errorMessage: string): Answer {
  return {
    status: 200,
    headers: { 'x-amz-function-error': 'Unhandled' },
    body: JSON.stringify({ errorType, errorMessage }),
  };
}

test('a run that Lambda throttles is tried again: it has not begun', async () => {
  let calls = 0;
  answer = () =>
    ++calls < 3 ? serviceError(429, 'TooManyRequestsException') : finished(pythonResult('{"results": 3}'));
  const { lines } = await stand.run(toolRun());
  expect(decoded(lines[0])).toContain('3');
});

test('what the sandbox is like is remembered from its last run', async () => {
  answer = () => serviceError(404, 'ResourceNotFoundException');
  await stand.run(toolRun());
  expect(stand.runs.problem()).toMatch(/is gone/);
  answer = () => finished(pythonResult('{"results": 1}'));
  await stand.run(toolRun());
  expect(stand.runs.problem()).toBeUndefined();
});

test('a run that may have begun is never tried again', async () => {
  answer = () => serviceError(500, 'ServiceException');
  await stand.run(toolRun());
  expect(stand.invocations).toHaveLength(1);
});

test('an agent has so many runs at once and no more, and others go on', async () => {
  const release: (() => void)[] = [];
  answer = async () => {
    await new Promise<void>((resolve) => release.push(resolve));
    return finished(pythonResult('{"results": 1}'));
  };
  const running = [stand.run(toolRun()), stand.run(toolRun())];
  await until(() => release.length === 2, 'two runs');
  const { lines } = await stand.run(toolRun());
  expect(lines[0]).toMatchObject({ type: 'error', value: 'this agent is running 2 tools already, try again later' });
  expect(stand.records[0].values).toMatchObject({ ToolRuns: 1, ToolRunsRefused: 1 });
  const other = stand.run({ code: '1', env_vars: { LETTA_TOOL_ID: TOOL } });
  await until(() => release.length === 3, "another one's run");
  release.forEach((go) => go());
  for (const { lines: ended } of await Promise.all([...running, other])) expect(ended[0].type).toBe('result');
  answer = () => finished(pythonResult('{"results": 1}'));
  expect((await stand.run(toolRun())).lines[0].type).toBe('result');
});

test('one line of audit says who ran what and how it ended, and nothing of what it held', async () => {
  answer = () => finished(pythonResult('{"results": "the-result"}'), { stdout: 'the-output' });
  await stand.run(toolRun('the-code', { KEY: 'the-key' }));
  expect(stand.records).toEqual([
    {
      event: 'tool-run',
      values: { ToolRuns: 1, ToolRunLatency: expect.any(Number) },
      fields: {
        agent: AGENT,
        tool: TOOL,
        language: 'python',
        durationMs: expect.any(Number),
        outcome: 'result',
        bytesIn: expect.any(Number),
        bytesOut: expect.any(Number),
      },
    },
  ]);
  expect(JSON.stringify([stand.records, stand.log.lines])).not.toMatch(/the-(result|output|code|key)/);
});

test('a name that is no id of Letta’s does not get into the audit', async () => {
  await stand.run({ code: '1', env_vars: { LETTA_AGENT_ID: 'a\nb', LETTA_TOOL_ID: 'x'.repeat(9999) } });
  expect(stand.records[0].fields).toMatchObject({ agent: 'none', tool: 'run_code' });
});

test('when Letta hangs up its run ends as hung up', async () => {
  let go = () => undefined as void;
  answer = async () => {
    await new Promise<void>((resolve) => (go = resolve));
    return finished(pythonResult('{"results": 1}'));
  };
  const token = await stand.create();
  const abort = new AbortController();
  const call = fetch(`${stand.execute.origin}/execute`, {
    method: 'POST',
    body: JSON.stringify(toolRun()),
    headers: { 'x-access-token': token },
    signal: abort.signal,
  }).catch(() => undefined);
  await until(() => stand.invocations.length === 1, 'the run');
  abort.abort();
  await call;
  await new Promise((resolve) => setTimeout(resolve, 50));
  go();
  await until(() => stand.records.length === 1, 'the audit');
  expect(stand.records[0].fields.outcome).toBe('hung-up');
});

describe('what is not Letta runs nothing', () => {
  test.each([undefined, 'guess', ''])('a sandbox is not made for the key %s', async (key) => {
    const headers: Record<string, string> = key === undefined ? {} : { 'x-api-key': key };
    const response = await stand.post(stand.control.origin, '/sandboxes', '{}', headers);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ message: expect.stringContaining('X-API-Key') });
  });

  test.each([undefined, 'guess', PLACEHOLDER_CREDENTIAL])('code is not run for the token %s', async (token) => {
    const headers: Record<string, string> = token === undefined ? {} : { 'x-access-token': token };
    const response = await stand.post(stand.execute.origin, '/execute', JSON.stringify(toolRun()), headers);
    expect(response.status).toBe(401);
    expect(stand.invocations).toEqual([]);
  });

  test('a token runs code once', async () => {
    const token = await stand.create();
    const call = () =>
      stand.post(stand.execute.origin, '/execute', JSON.stringify(toolRun()), { 'x-access-token': token });
    expect((await call()).status).toBe(200);
    expect((await call()).status).toBe(401);
  });

  test.each([
    ['GET', 'control', '/sandboxes'],
    ['POST', 'control', '/sandboxes/x/pause'],
    ['GET', 'execute', '/execute'],
    ['POST', 'execute', '/contexts'],
    ['GET', 'commands', '/files'],
    ['POST', 'commands', '/process.Process/SendInput'],
  ] as const)('%s at %s %s is not served', async (method, at, path) => {
    expect((await fetch(`${stand[at].origin}${path}`, { method })).status).toBe(404);
  });
});

test.each<[string, object, RegExp]>([
  ['code that is none', { code: 1 }, /the code is 1, wanted text/],
  ['code that is too long', { code: 'x'.repeat(SandboxMaximum.CODE + 1) }, /more than the tool sandbox takes/],
  ['a language that is not there', { code: '1', language: 'r' }, /Python, JavaScript and TypeScript, got.*"r"/],
  ['an environment that is none', { code: '1', env_vars: [] }, /not an object/],
  ['a variable that is no text', { code: '1', env_vars: { A: 1 } }, /variable A is not text/],
  ['a variable with NUL', { code: '1', env_vars: { A: 'a\0' } }, /variable A holds a NUL/],
  ['a variable with a bad name', { code: '1', env_vars: { 'A=B': '' } }, /name that is not of letters/],
  ['too large an environment', { code: '1', env_vars: { A: 'x'.repeat(SandboxMaximum.ENVIRONMENT) } }, /together are/],
  ['a body that is deep', { code: '1', env_vars: { A: [[[[[[[[1]]]]]]]] } }, /nested more than 8 deep/],
  ['a body of many parts', { code: '1', more: Array<number>(10_002).fill(0) }, /more than 10000 parts/],
])('%s is told to the agent, and nothing runs', async (_, body, told) => {
  const { lines } = await stand.run(body);
  expect(lines).toEqual([expect.objectContaining({ type: 'error', value: expect.stringMatching(told) })]);
  expect(stand.invocations).toEqual([]);
  const fields = { agent: 'unread', tool: 'unread', outcome: 'invalid', bytesIn: expect.any(Number) };
  expect(stand.records).toEqual([{ event: 'tool-run', values: { ToolRuns: 1, ToolRunsFailed: 1 }, fields }]);
});

test("the variables of a sandbox and of its run are judged together, and the run's own go before", async () => {
  const sandbox = { envVars: { A: 'x'.repeat(50_000), B: 'of the sandbox' } };
  const most = SandboxMaximum.ENVIRONMENT - 50_000 - 200;
  await stand.run({ code: '1', env_vars: { B: 'of the run', C: 'x'.repeat(most) } }, sandbox);
  expect(stand.invocations[0].request.environment).toMatchObject({ A: 'x'.repeat(50_000), B: 'of the run' });
  const { lines } = await stand.run({ code: '1', env_vars: { C: 'x'.repeat(most + 200) } }, sandbox);
  expect(lines).toEqual([
    expect.objectContaining({ value: expect.stringMatching(/variables together are \d+ bytes/) }),
  ]);
  expect(stand.invocations).toHaveLength(1);
});

test('bodies of eight megabytes of brackets cost nothing but their reading', async () => {
  const half = '['.repeat(3_700_000);
  const body = `{"code":${half}${half.replaceAll('[', ']')}}`;
  const response = await stand.post(stand.execute.origin, '/execute', body, { 'x-access-token': await stand.create() });
  expect(await response.text()).toMatch(/nested more than 8 deep/);
  expect(stand.log.lines).toEqual([]);
});

test('runs hold so many bytes of bodies and no more, until they end', async () => {
  const tokens = await Promise.all([1, 2, 3, 4, 5, 6].map(() => stand.create()));
  const sockets = tokens.slice(0, 4).map((token) => {
    const socket = connect(stand.execute.port, '127.0.0.1');
    socket.write(
      `POST /execute HTTP/1.1\r\nHost: x\r\nX-Access-Token: ${token}\r\nContent-Length: 7900000\r\n\r\n{"code":`,
    );
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const body = JSON.stringify(toolRun()) + ' '.repeat(2_000_000);
  const call = (token: string) =>
    stand.post(stand.execute.origin, '/execute', body, { 'x-access-token': token, connection: 'close' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const refused = await call(tokens[4]);
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ message: expect.stringMatching(/as much code.*try again later/) });
  expect(stand.records).toEqual([
    {
      event: 'tool-run',
      values: { ToolRuns: 1, ToolRunsRefused: 1 },
      fields: expect.objectContaining({ outcome: 'refused' }),
    },
  ]);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await call(tokens[5])).status).toBe(200);
  // A client that breaks off is no fault of the gateway's.
  expect(stand.log.lines).toEqual([]);
});

test('an answer stays where it is until its turn', async () => {
  let begin = () => undefined as void;
  const turn = new Promise<void>((resolve) => (begin = resolve));
  let ended = false;
  const request = { code: '1', language: 'python', environment: {} } as const;
  const origin = { sandboxId: 'sbx-1', bytesIn: 1, hungUp: new AbortController().signal, answerBegins: () => turn };
  const run = stand.runs.run(request, origin).then(() => (ended = true));
  await until(() => stand.invocations.length === 1, 'the run');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(ended).toBe(false);
  begin();
  await run;
});

test('twenty large answers that come at once all get through', async () => {
  const result = pythonResult(`{"results": "${'x'.repeat(300_000)}"}`);
  const release: (() => void)[] = [];
  answer = async () => {
    await new Promise<void>((resolve) => release.push(resolve));
    return finished(result);
  };
  const runs = Array.from({ length: 20 }, () => stand.run({ code: '1', env_vars: { LETTA_TOOL_ID: TOOL } }));
  await until(() => release.length === 20, 'twenty runs');
  release.forEach((go) => go());
  for (const { lines } of await Promise.all(runs)) expect(lines[0].type).toBe('result');
}, 30_000);
