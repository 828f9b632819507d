import { SandboxFunction } from './sandbox-function';

jest.setTimeout(120_000);

const sandbox = new SandboxFunction();
beforeAll(() => sandbox.start());
afterAll(() => sandbox.stop());

describe('Python runs as in a notebook', () => {
  test.each([
    ['the value of the last expression', '1\n1 + 1', '2'],
    ['a string as it is', '"a\\nb"', 'a\nb'],
    ['unicode', '"é😀\\u0000"', 'é😀\u0000'],
    ['a lone surrogate, which JSON in UTF-8 cannot hold, as a question mark', '"\\ud800"', '?'],
    ['no last expression', 'a = 1', undefined],
    ['None', 'None', undefined],
    ['nothing at all', '', undefined],
    // Importing it takes ten times as long as the rest of a run.
    ['what Letta imports for every tool, already', 'import sys\n"letta_client" in sys.modules', 'True'],
    ['a top-level await', 'import asyncio\nawait asyncio.sleep(0, 5)', '5'],
    ['an await before the last line', 'import asyncio\na = await asyncio.sleep(0, 5)\na + 1', '6'],
    ['asyncio.run of a tool without await', 'import asyncio\nasync def f(): return 3\nasyncio.run(f())', '3'],
    [
      'annotations of the future',
      'from __future__ import annotations\ndef f(a: No): pass\nf.__annotations__["a"]',
      'No',
    ],
    [
      'pickling a class of its own',
      'import pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))).__name__',
      'A',
    ],
    ['its own source', 'import inspect\ndef f():\n  return 1\ninspect.getsource(f)', 'def f():\n  return 1\n'],
    ['pydantic', 'from pydantic import BaseModel\nclass A(BaseModel):\n  a: int\nA(a="4").model_dump()', "{'a': 4}"],
    [
      'threads',
      'import threading\nl=[]\nt=threading.Thread(target=l.append, args=(1,))\nt.start()\nt.join()\nl',
      '[1]',
    ],
    ['a program', 'import subprocess\nsubprocess.check_output(["echo", "-n", "x"], text=True)', 'x'],
    ['a program that it ends', 'import subprocess\np=subprocess.Popen(["sleep","9"])\np.terminate()\np.wait()', '-15'],
    ['sys.exit in a thread', 'import sys,threading\nt=threading.Thread(target=sys.exit)\nt.start()\nt.join()\n1', '1'],
  ])('%s', async (_, code, result) => {
    const answer = await sandbox.run(code);

    expect(answer).toMatchObject({ outcome: 'result', stderr: '' });
    expect(answer.result).toBe(result);
  });

  test.each([
    [
      'an exception',
      'def f():\n  raise ValueError("é")\nf()',
      'ValueError',
      'é',
      'line 2, in f\n    raise ValueError("é")',
    ],
    ['code that does not parse', 'a b', 'SyntaxError', 'invalid syntax (<tool>, line 1)', 'a b'],
    ['a module that is not there', 'import pandas', 'ModuleNotFoundError', "No module named 'pandas'", 'line 1'],
    ['sys.exit', 'import sys\nsys.exit(3)', 'SystemExit', '3', 'line 2'],
    ['an exception without a string', 'class E(Exception):\n  def __str__(self): 1/0\nraise E', 'E', '(its message cannot be made a string)', 'raise E'], // prettier-ignore
    [
      'a NUL in the code',
      'a = 1\0',
      expect.stringMatching(/^(Syntax|Value)Error$/),
      'source code string cannot contain null bytes',
      'null bytes',
    ],
    [
      'endless recursion',
      'def f(): f()\nf()',
      'RecursionError',
      expect.stringContaining('maximum recursion'),
      'line 1',
    ],
    [
      'a result whose repr fails',
      'class A:\n  def __repr__(self): 1/0\nA()',
      'ZeroDivisionError',
      'division by zero',
      '',
    ],
  ])('%s is an error with its name, its message and where it was', async (_, code, name, value, trace) => {
    const answer = await sandbox.run(code);

    expect(answer).toMatchObject({ outcome: 'error', error: { name, value } });
    expect(answer.error?.traceback).toContain(trace);
    expect(answer.error?.traceback).not.toContain('runner.py');
    expect(answer.result).toBeUndefined();
  });

  test('what it prints comes whole and apart', async () => {
    const answer = await sandbox.run(
      'import sys\nprint("é")\nprint("a", end="")\nprint("b", file=sys.stderr)\nraise KeyError(1)',
    );

    expect(answer).toMatchObject({ outcome: 'error', stdout: 'é\na', stderr: 'b\n' });
  });

  test('its environment is what it is given, and what every program needs', async () => {
    const environment = {
      A: 'é',
      LD_PRELOAD: '/nothing',
      PYTHONPATH: '/nowhere',
      PYTHONSTARTUP: '/x',
      PYTHONHOME: '/y',
    };

    const answer = await sandbox.run('import os, json\njson.dumps(dict(os.environ))', { environment });

    const home = sandbox.folder;
    const usual = {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: home,
      TMPDIR: home,
      LANG: 'C.UTF-8',
      LC_ALL: 'C.UTF-8',
    };
    expect(JSON.parse(answer.result ?? '')).toEqual({ ...usual, PYTHONDONTWRITEBYTECODE: '1', ...environment });
  });

  test('a variable that cannot be set is an error', async () => {
    const answer = await sandbox.run('1', { environment: { 'A=B': 'x' } });

    expect(answer).toMatchObject({ outcome: 'error', error: { name: 'ValueError' } });
  });
});

describe('TypeScript runs as in a notebook', () => {
  test.each([
    ['types, enums and the last expression', 'enum A { B = 3 }\nconst a: number = A.B;\na + 1', '4'],
    ['a top-level await', 'const f = async (): Promise<string> => "é";\nawait f()', 'é'],
    [
      'imports',
      "import { basename as b } from 'node:path';\nimport * as os from 'node:os';\nb('/x/y') + typeof os.EOL",
      'ystring',
    ],
    ['a default import', "import path from 'node:path';\npath.basename('/x/y')", 'y'],
    ['require', "require('node:path').basename('/x/y')", 'y'],
    ['an object', '({ a: 1 })', '{ a: 1 }'],
    ['no last expression', 'const a = 1;', undefined],
    ['undefined', 'undefined', undefined],
    ['a package that is not there', "try { await import('@letta-ai/letta-client'); 1 } catch {}\n'gone'", 'gone'],
  ])('%s', async (_, code, result) => {
    const answer = await sandbox.run(code, { language: 'typescript' });

    expect(answer).toMatchObject({ outcome: 'result', stderr: '' });
    expect(answer.result).toBe(result);
  });

  test.each([
    ['an exception', 'const a = 1;\nthrow new TypeError("é");', 'TypeError', 'é', 'tool.mjs:2'],
    ['what is no error', 'throw 5', 'Error', '5', '5'],
    ['code that does not parse', 'const = 1', 'SyntaxError', expect.any(String), 'const = 1'],
    ['an error in a timer', 'setTimeout(() => { throw new RangeError("late") }); await new Promise((r) => setTimeout(r, 500))', 'RangeError', 'late', 'tool.mjs'], // prettier-ignore
  ])('%s is an error with its name, its message and where it was', async (_, code, name, value, trace) => {
    const answer = await sandbox.run(code, { language: 'typescript' });

    expect(answer).toMatchObject({ outcome: 'error', error: { name, value } });
    expect(answer.error?.traceback).toContain(trace);
  });

  test('a variable of the user does not change how Node starts', async () => {
    const environment = { NODE_OPTIONS: '--require /nothing', A: 'é' };
    const code =
      'console.log("out"); console.error("err"); process.env.NODE_OPTIONS + process.env.A + process.env.AWS_REGION';

    const answer = await sandbox.run(code, { language: 'typescript', environment });

    expect(answer).toMatchObject({
      outcome: 'result',
      result: '--require /nothingéundefined',
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });
});

describe('packages', () => {
  test('says of each that is missing what is there instead', async () => {
    const requirements = [
      'requests',
      'pydantic>=2',
      'pandas',
      'requests==1.0.0',
      'no such',
      'x @ https://example.com/x.whl',
    ];

    const answer = await sandbox.ask({ kind: 'packages', manager: 'pip', requirements });

    expect(answer).toEqual({
      missing: [
        { requirement: 'pandas', reason: 'it is not in the sandbox' },
        { requirement: 'requests==1.0.0', reason: 'the sandbox has 2.32.5' },
        { requirement: 'no such', reason: expect.stringContaining('it cannot be read') },
        { requirement: 'x @ https://example.com/x.whl', reason: 'it is an address, and the sandbox reaches none' },
      ],
    });
  });

  test('of npm, none is there by itself', async () => {
    const answer = await sandbox.ask({ kind: 'packages', manager: 'npm', requirements: ['left-pad@1.3.0', '../x'] });

    expect(answer).toEqual({
      missing: [
        { requirement: 'left-pad@1.3.0', reason: 'it is not in the sandbox' },
        { requirement: '../x', reason: expect.stringContaining('it cannot be read') },
      ],
    });
  });
});
