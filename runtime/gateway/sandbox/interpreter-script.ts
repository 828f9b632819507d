import { randomBytes } from 'node:crypto';
import { SandboxMaximum, SandboxRun } from '../../contract';
import { SandboxFailure } from './sandbox-failure';

/** What a code interpreter's session printed. */
export interface InterpreterOutput {
  stdout: string;
  stderr: string;
}

export interface InterpreterScript {
  readonly script: string;
  /** What the script left in the output, as the sandbox function would answer it. @throws SandboxFailure */
  read(output: InterpreterOutput): unknown;
}

/**
 * A code interpreter answers with what was printed, and nothing else. So the code runs inside a script of ours, which
 * prints the value of the last expression, or the exception, behind a mark that nobody can know before.
 */
export function interpreterScript({ code, environment, timeoutMs }: SandboxRun): InterpreterScript {
  const mark = `letta-${randomBytes(24).toString('hex')}`;
  const given = Buffer.from(JSON.stringify({ code, environment })).toString('base64');
  return {
    script: [
      PYTHON,
      `_letta_run(${JSON.stringify(given)}, ${JSON.stringify(mark)}, ${Math.ceil(timeoutMs / 1000)}, ${SandboxMaximum.RESULT})`,
    ].join('\n'),
    read: (output) => readMarked(output, mark),
  };
}

/** @throws SandboxFailure */
export function readMarked({ stdout, stderr }: InterpreterOutput, mark: string): unknown {
  const at = stdout.lastIndexOf(mark);
  // Without its newline: the interpreter may add one.
  const [, encoded] = at < 0 ? [] : (/^([A-Za-z0-9+/=]*)\s*/.exec(stdout.slice(at + mark.length)) ?? []);
  if (encoded === undefined) throw new SandboxFailure('died', 'the run of the tool ended before the tool did');
  let answer: object;
  try {
    answer = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as object;
  } catch {
    throw new SandboxFailure('died', 'the run of the tool left an answer that cannot be read');
  }
  return { durationMs: 0, ...answer, stdout: stdout.slice(0, at), stderr };
}

/** Notebook semantics, in a namespace of its own that stays for the next run of the same agent. */
const PYTHON = String.raw`
def _letta_run(given, mark, seconds, most):
    import ast, asyncio, base64, inspect, json, os, signal, sys, traceback
    given = json.loads(base64.b64decode(given))
    space = globals().setdefault('_letta_space', {'__name__': '__main__', '__builtins__': __builtins__})
    before = dict(os.environ)
    os.environ.update(given['environment'])
    class TookTooLong(BaseException):
        pass
    def late(*_):
        raise TookTooLong()
    try:
        signal.signal(signal.SIGALRM, late)
        signal.alarm(seconds)
    except ValueError:
        pass
    async def run():
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        tree = compile(given['code'], '<tool>', 'exec', ast.PyCF_ONLY_AST | flags)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        for node, mode in ((tree, 'exec'), (last and ast.Expression(last.value), 'eval')):
            if node is None:
                continue
            value = eval(compile(node, '<tool>', mode, flags), space)
            if inspect.iscoroutine(value) and (mode == 'exec' or _letta_awaits(node)):
                value = await value
        return value if last is not None else None
    def error(outcome, problem, value=None):
        text = ''.join(traceback.format_exception(type(problem), problem, problem.__traceback__))
        named = {'name': type(problem).__name__, 'value': str(problem) if value is None else value, 'traceback': text}
        return {'outcome': outcome, 'error': named}
    try:
        loop = asyncio.new_event_loop()
        try:
            value = _letta_complete(loop, run())
        finally:
            loop.close()
        answer = {'outcome': 'result'}
        if value is not None:
            text = value if isinstance(value, str) else repr(value)
            answer['result'] = text
            if len(text.encode('utf-8', 'replace')) > most:
                answer = error('size', ValueError('the result is larger than %d bytes' % most))
    except TookTooLong as problem:
        answer = error('timeout', problem, 'the tool took longer than %d s' % seconds)
    except MemoryError as problem:
        answer = error('memory', problem, 'the tool was out of memory')
    except SystemExit as problem:
        answer = error('died', problem)
    except BaseException as problem:
        answer = error('error', problem)
    finally:
        try:
            signal.alarm(0)
        except ValueError:
            pass
        os.environ.clear()
        os.environ.update(before)
    sys.stdout.flush()
    print(mark + base64.b64encode(json.dumps(answer).encode('ascii')).decode('ascii'), flush=True)

def _letta_awaits(node):
    import ast
    def inside(part):
        if isinstance(part, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return True
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return False
        if isinstance(part, ast.comprehension) and part.is_async:
            return True
        return any(inside(one) for one in ast.iter_child_nodes(part))
    return inside(node)

def _letta_complete(loop, work):
    import asyncio, threading
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return loop.run_until_complete(work)
    # The interpreter runs cells inside a loop of its own, in which another one cannot run.
    left = {}
    def elsewhere():
        try:
            left['value'] = loop.run_until_complete(work)
        except BaseException as problem:
            left['problem'] = problem
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    if 'problem' in left:
        raise left['problem']
    return left['value']
`;
