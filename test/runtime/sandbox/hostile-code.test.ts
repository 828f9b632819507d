import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { SandboxFunction } from './sandbox-function';

jest.setTimeout(180_000);

const sandbox = new SandboxFunction();
beforeAll(() => sandbox.start());
afterAll(() => sandbox.stop());

/** Processes that the function consists of while it runs nothing: itself and the one that it forks from. */
function processes(): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const [, parent] = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
      parents.set(Number(name), Number(parent));
    } catch {
      // It has ended meanwhile.
    }
  }
  const inside = (pid: number): boolean =>
    pid === sandbox.pid || (parents.has(pid) && inside(parents.get(pid) as number));
  return [...parents.keys()].filter((pid) => pid > 1 && inside(pid));
}

/** After each: the same two processes as before, nothing left in files, and the next run is as any. */
afterEach(async () => {
  expect(
    await sandbox.run('import os, threading\n(len(os.listdir(os.environ["TMPDIR"])), threading.active_count())'),
  ).toMatchObject({ outcome: 'result', result: '(0, 1)' });
  expect(readdirSync(sandbox.folder)).toEqual([]);
  expect(processes()).toHaveLength(2);
});

const everything = `
import os, glob
def read(name):
  try: return open(name, 'rb').read(10**6).decode('latin1')
  except OSError as error: return str(error)
`;

test.each([
  ['its own environment', 'str(dict(os.environ))'],
  ['the environment of every process', "'\\n'.join(read(name) for name in glob.glob('/proc/*/environ') if int(name.split('/')[2]) in (os.getpid(), os.getppid()) or True)"], // prettier-ignore
  ['the memory of its parent', "read(f'/proc/{os.getppid()}/mem') + read(f'/proc/{os.getppid()}/maps')"],
  ['open files of its parent', "str([read(name) for name in glob.glob(f'/proc/{os.getppid()}/fd/*')])"],
  [
    'its own memory',
    "import gc; str([o for o in gc.get_objects() if isinstance(o, dict) and 'AWS_SECRET_ACCESS_KEY' in o])",
  ],
])('%s does not hold the credentials of the role', async (_, expression) => {
  const answer = await sandbox.run(everything + expression);

  expect(JSON.stringify(answer)).not.toContain(SandboxFunction.SECRET);
  expect(answer.outcome).toMatch(/result|error/);
});

const refused = { outcome: 'error', error: { name: 'PermissionError' } };
const parents = 'import os, signal\nparent = os.getppid()\n';
const call = (number: string) =>
  `import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nr = libc.syscall(${number})\n(r, os.strerror(ctypes.get_errno()))`;

test.each([
  ['killing its parent', `${parents}os.kill(parent, signal.SIGKILL)`],
  ['stopping its parent', `${parents}os.kill(parent, signal.SIGSTOP)`],
  ['killing all', 'import os\nos.kill(-1, 9)'],
  ['killing a group of processes', `${parents}os.killpg(os.getpgid(parent), 9)`],
  [
    "limiting its parent's files",
    `${parents}import resource\nresource.prlimit(parent, resource.RLIMIT_NOFILE, (0, 0))`,
  ],
  [
    'making the kernel send a signal',
    `${parents}import fcntl\nr, w = os.pipe()\nfcntl.fcntl(r, fcntl.F_SETOWN, parent)`,
  ],
  ['giving its parent no processor', `${parents}os.sched_setscheduler(parent, os.SCHED_IDLE, os.sched_param(0))`],
])('%s is refused', async (_, code) => {
  expect(await sandbox.run(code)).toMatchObject(refused);
});

test.each([
  ['tracing its parent (ptrace)', '101, 16, os.getppid(), 0, 0'],
  ['io_uring, which passes by a filter of calls', '425, 8, 0'],
  ['memory that outlives it (shmget)', '29, 0x1234, 4096, 0o1777'],
  ['a user namespace (unshare)', '272, 0x10000000'],
  ['a signal by a descriptor', '424, 3, 9, 0, 0'],
  ['a key that outlives it', '248, b"user", b"x", b"y", 1, -3'],
])('%s is refused', async (_, number) => {
  if (process.arch !== 'x64') return;

  expect(await sandbox.run(call(number))).toMatchObject({ result: "(-1, 'Operation not permitted')" });
});

test.each([
  ['TCP', 'socket.create_connection(("1.1.1.1", 443), 1)'],
  ['UDP, and with it DNS', 'socket.socket(socket.AF_INET, socket.SOCK_DGRAM)'],
  ['IPv6', 'socket.socket(socket.AF_INET6)'],
  ['sockets of files', 'socket.socket(socket.AF_UNIX)'],
  ['sockets of the kernel', 'socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)'],
  ['sockets of the host', 'socket.socket(socket.AF_VSOCK)'],
])('%s cannot be opened', async (_, code) => {
  const answer = await sandbox.run(`import socket\n${code}`);

  expect(answer).toMatchObject({ outcome: 'error', error: { value: '[Errno 101] Network is unreachable' } });
});

test('the Runtime API cannot be reached: no event is stolen, no answer forged', async () => {
  const url = `http://127.0.0.1:${sandbox.port}/2018-06-01/runtime/invocation/next`;

  const python = await sandbox.run(`import urllib.request\nurllib.request.urlopen("${url}", timeout=2).read()`);
  const node = await sandbox.run(`await fetch("${url}")`, { language: 'javascript' });

  expect(python).toMatchObject({ outcome: 'error', error: { name: 'URLError' } });
  expect(node).toMatchObject({ outcome: 'error', error: { value: 'fetch failed' } });
});

test('with a proxy, names cannot be asked for by UDP', async () => {
  const proxy = 'http://u:p@192.0.2.1:3129';

  const tcp = await sandbox.run('import socket, os\nsocket.socket().close()\nos.environ["HTTPS_PROXY"]', { proxy });
  const udp = await sandbox.run('import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)', { proxy });

  expect(tcp).toMatchObject({ outcome: 'result', result: proxy });
  expect(udp).toMatchObject({ outcome: 'error', error: { value: '[Errno 101] Network is unreachable' } });
});

const short = { timeoutMs: 1500 };

test.each([
  ['an endless loop', 'while True: pass'],
  ['a loop that swallows every exception', 'import signal\nfor n in (15, 2, 1): signal.signal(n, signal.SIG_IGN)\nwhile True:\n  try:\n    while True: pass\n  except BaseException: pass'], // prettier-ignore
  ['a sleep', 'import time\ntime.sleep(100)'],
  ['stopping itself', 'import os\nos.kill(os.getpid(), 19)'],
  ['a fork bomb', 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass'],
  [
    'a fork bomb of sessions',
    'import os\nwhile True:\n  try:\n    if os.fork() == 0: os.setsid()\n  except OSError: pass',
  ],
  ['threads without end', 'import threading, time\nwhile True:\n  try: threading.Thread(target=time.sleep, args=(99,)).start()\n  except (RuntimeError, MemoryError): pass'], // prettier-ignore
  [
    'a thread that holds the interpreter at its end',
    'import atexit, time\natexit.register(time.sleep, 99)\ntime.sleep(99)',
  ],
])('%s ends in time', async (_, code) => {
  const answer = await sandbox.run(code, short);

  expect(answer).toMatchObject({ outcome: 'timeout', error: { name: 'TimeoutError' } });
  expect(answer.durationMs).toBeLessThan(8000);
});

test('endless output is cut, and ends in time', async () => {
  const answer = await sandbox.run('while True: print("é" * 1000)', short);

  expect(answer.outcome).toBe('timeout');
  expect(Buffer.byteLength(answer.stdout)).toBeLessThan(256 * 1024 + 100);
  expect(answer.stdout).toContain('(cut: ');
});

test.each([
  ['one large piece', 'x = bytearray(10**10)', {}],
  ['many pieces', 'x = []\nwhile True: x.append(bytearray(10**6))', {}],
  [
    'many processes',
    'import os, time\nfor _ in range(20): os.fork() or (bytearray(b"x" * 10**8), time.sleep(30))\ntime.sleep(30)',
    {},
  ],
  [
    'shared memory',
    'import mmap\nx = []\nwhile True:\n  m = mmap.mmap(-1, 10**7)\n  m.write(b"x" * 10**7)\n  x.append(m)',
    {},
  ],
  ['JavaScript', 'const a = []; while (true) a.push(new Array(1e5).fill(1.5));', { language: 'javascript' as const }],
  [
    'buffers of JavaScript',
    'const a = []; while (true) a.push(Buffer.alloc(1e7, 1));',
    { language: 'javascript' as const },
  ],
])('too much memory, of %s, is said to be that', async (_, code, options) => {
  expect(await sandbox.run(code, options)).toMatchObject({ outcome: 'memory', error: { name: 'MemoryError' } });
});

test.each([
  ['a huge result', '"a" * (3 * 1024 * 1024)'],
  ['a result that is huge as JSON', '"\\x01" * (1024 * 1024)'],
  ['an endless result on the descriptor', 'import os\nwhile True: os.write(4, b"x" * 65536)'],
])('%s is said to be too large', async (_, code) => {
  expect(await sandbox.run(code)).toMatchObject({ outcome: 'size', error: { name: 'ValueError' } });
});

test.each([
  ['leaving without an answer', 'import os\nos._exit(0)', 'exit code 0'],
  ['an exit code of its own', 'import os\nos._exit(7)', 'exit code 7'],
  ['a crash', 'import ctypes\nctypes.string_at(0)', 'SIGSEGV'],
  ['nonsense as answer', 'import os\nos.write(4, b"nonsense")\nos._exit(0)', 'exit code 0'],
  ['an answer of another shape', 'import os\nos.write(4, b\'{"result": {"a": 1}}\')\nos._exit(0)', 'exit code 0'],
  ['an answer of endless depth', 'import os\nos.write(4, b"[" * 500000)\nos._exit(0)', 'exit code 0'],
  ['closing all descriptors', 'import os\nos.closerange(0, 1000)', 'exit code'],
])('%s is an end before its end', async (_, code, how) => {
  const answer = await sandbox.run(code);

  expect(answer).toMatchObject({
    outcome: 'died',
    error: { name: 'ProcessDied', value: expect.stringContaining(how) },
  });
});

test.each([
  ['globals and builtins', 'import builtins\nbuiltins.left = 1\nglobals()["left"] = 1', 'left'],
  ['a patched module', 'import json\njson.dumps = None', 'import json\njson.dumps(1)'],
  ['a module of its own', 'import sys\nsys.modules["requests"] = None', 'import requests\n1'],
  ['the environment', 'import os\nos.environ["LEFT"] = "1"', 'import os\nos.environ["LEFT"]'],
])('the next run sees nothing of %s', async (what, first, second) => {
  await sandbox.run(first);

  const answer = await sandbox.run(second);

  const gone = what === 'globals and builtins' || what === 'the environment';
  expect(answer.outcome).toBe(gone ? 'error' : 'result');
});

const home = 'import os\nos.chdir(os.environ["TMPDIR"])\n';

test.each([
  ['files', `${home}open("a", "w").write("x")\nos.mkfifo("f")\nos.symlink("/etc/passwd", "s")`],
  [
    'folders without rights',
    `${home}os.makedirs("a/b")\nopen("a/b/c", "w")\nos.chmod("a/b", 0)\nos.chmod("a", 0)\nos.chmod(".", 0o500)`,
  ],
  ['folders deeper than a path can name', `${home}for _ in range(3000):\n  os.mkdir("d" * 200)\n  os.chdir("d" * 200)`],
  ['names that are no UTF-8', `${home}open(b"\\xff\\xfe", "w")\nos.mkdir(b"\\xff")`],
  ['a full disk', `${home}import resource\nfor n in range(3): open(str(n), "wb").write(b"x" * 10**8)`],
  [
    'a daemon',
    `${home}import time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    while True: open("left", "a").write("x")\n  os._exit(0)\ntime.sleep(0.1)`,
  ],
  ['a thread', `${home}import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()`],
])('%s are gone with the run', async (_, code) => {
  const answer = await sandbox.run(`${code}\n1`);

  expect(answer).toMatchObject({ outcome: 'result', result: '1' });
});

test('a file may not grow without end, and descriptors are limited', async () => {
  const file = await sandbox.run(`${home}f = open("a", "wb")\nwhile True: f.write(b"x" * 10**7)`);
  const descriptors = await sandbox.run('x = []\nwhile True: x.append(open("/dev/null"))');

  expect(file).toMatchObject({ outcome: 'error', error: { name: 'OSError', value: '[Errno 27] File too large' } });
  expect(descriptors).toMatchObject({
    outcome: 'error',
    error: { value: expect.stringContaining('Too many open files') },
  });
});

test('nothing that tools did or said is in the log', () => {
  expect(sandbox.log).toBe('');
  expect(existsSync(sandbox.folder)).toBe(true);
});
