import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { sandboxPython } from '../../lab/parts/sandbox-python';
import { SandboxFunction } from './sandbox-function';

jest.setTimeout(120_000);

const sandbox = new SandboxFunction();
beforeAll(() => sandbox.start());
afterAll(() => sandbox.stop());

const lines = `import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
  result = libc.syscall(*arguments)
  return result if result >= 0 else errno.errorcode[ctypes.get_errno()]
`;
const onIntel = process.arch === 'x64' ? test.each : test.skip.each;
const room = 'ctypes.create_string_buffer(256)';

onIntel([
  ['memory without a process that has it (memfd_create)', `319, b"x", 0`],
  ['memory that not even the kernel sees (memfd_secret)', '447, 0'],
  ['pages in a pipe (vmsplice)', `278, 1, ${room}, 1, 0`],
  ['another personality', '135, 0x0040000'],
  ['segments of its own (modify_ldt)', `154, 0, ${room}, 16`],
  ['reading its parent (process_vm_readv)', `310, os.getppid(), ${room}, 1, ${room}, 1, 0`],
  ['writing into its parent (process_vm_writev)', `311, os.getppid(), ${room}, 1, ${room}, 1, 0`],
  ['programs in the kernel (bpf)', `321, 0, ${room}, 72`],
  ['counters of the processor (perf_event_open)', `298, ${room}, 0, -1, -1, 0`],
  ['page faults that wait (userfaultfd)', '323, 0'],
  ['a namespace by clone', '56, 0x10000011, 0, 0, 0, 0'],
  ['a sibling of its parent (CLONE_PARENT)', '56, 0x00008011, 0, 0, 0, 0'],
  ['a namespace of somebody else (setns)', '308, 0, 0'],
  ['a file system (fsopen)', '430, b"tmpfs", 0'],
  ['calls by their x32 numbers', '0x40000000 | 39'],
])('%s is refused', async (_: string, call: string) => {
  expect(await sandbox.run(`${lines}call(${call})`)).toMatchObject({ outcome: 'result', result: 'EPERM' });
});

onIntel([451, 463, 467, 1000])('system call %d, which came later than this filter, is not there', async (number) => {
  expect(await sandbox.run(`${lines}call(${number}, 0, 0, 0, 0, 0, 0)`)).toMatchObject({ result: 'ENOSYS' });
});

onIntel([['calls of 32 bits']])('%s end the tool', async () => {
  // mov eax, 20 (getpid); int 0x80; ret
  const code = `${lines}import mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes.fromhex('b814000000cd80c3'))
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()`;

  expect(await sandbox.run(code)).toMatchObject({ error: { value: expect.stringContaining('SIGSYS') } });
});

test('of all sockets a tool with a proxy opens those of TCP', async () => {
  const code = `import socket
opened = []
for family in range(46):
  for kind in (1, 2, 3, 4, 5, 10):
    for protocol in (0, 1, 6, 17, 132, 262):
      try:
        socket.socket(family, kind, protocol).close()
        opened.append((family, kind, protocol))
      except OSError: pass
opened`;

  const [open, closed] = [await sandbox.run(code, { proxy: 'http://u:p@192.0.2.1:3129' }), await sandbox.run(code)];

  const tcp = [2, 10].flatMap((family) => [0, 6].map((protocol) => `(${family}, 1, ${protocol})`));
  expect(tcp.join(', ')).toContain((open.result ?? '').slice(1, -1));
  expect(open.result).toContain('(2, 1, 0), (2, 1, 6)');
  expect(closed.result).toBe('[]');
});

test.each(['SOCK_DGRAM', 'SOCK_SEQPACKET', 'SOCK_RAW'])(
  'a pair of sockets of %s, which may send to others, is refused',
  async (kind) => {
    expect(await sandbox.run(`import socket\nsocket.socketpair(socket.AF_UNIX, socket.${kind})`)).toMatchObject({
      error: { value: '[Errno 101] Network is unreachable' },
    });
  },
);

test.each([
  ['page tables', 'ends', `for _ in range(9):
  area = mmap.mmap(-1, 100 << 30, flags=mmap.MAP_PRIVATE | 0x4000, prot=mmap.PROT_READ)
  kept.append(area)
  for at in range(0, 100 << 30, 2 << 20): area[at]`], // prettier-ignore
  [
    'pages shared with others',
    'ends',
    'area = mmap.mmap(-1, 2 << 30)\nfor at in range(0, 2 << 30, 4096): area[at] = 1',
  ],
  ['pages of many processes', 'ends', `for _ in range(20):
  if os.fork() == 0:
    kept.append(bytearray(os.urandom(1 << 20)) * 50)
    time.sleep(9)
time.sleep(9)`], // prettier-ignore
])('memory in %s counts', async (_, __, code) => {
  expect(await sandbox.run(`import mmap, os, time\nkept = []\n${code}`)).toMatchObject({
    outcome: 'memory',
    error: { name: 'MemoryError' },
  });
});

test('memory that is no process’ own counts when the machine runs out of it, and so do its open files', async () => {
  const program = `import os, sys
sys.path.insert(0, sys.argv[1])
from memory import uses_too_much
answers = [uses_too_much(os.getpid(), 1 << 50), uses_too_much(os.getpid(), 1 << 50, least_left_bytes=1 << 50)]
files = []
try:
  while True: files.append(os.open('/dev/null', os.O_RDONLY))
except OSError: answers.append(uses_too_much(os.getpid(), 1 << 50))
for file in files: os.close(file)
print(answers)`;
  const python = path.join(await sandboxPython(), 'bin/python');
  const code = path.resolve(__dirname, '../../../runtime/images/sandbox');

  expect(execFileSync(python, ['-B', '-c', program, code], { encoding: 'utf8' })).toBe('[False, True, True]\n');
});

test('processor time ends no run before its time, however many processors it has', async () => {
  const [soft, hard, processors] = JSON.parse(
    (await sandbox.run('import os, resource\nstr([*resource.getrlimit(resource.RLIMIT_CPU), os.cpu_count()])'))
      .result as string,
  ) as number[];

  expect(soft).toBe(12 * processors);
  // At the first one the process gets a signal that says why.
  expect(hard).toBeGreaterThan(soft);
});

test.each([
  ['processes of asyncio', 'import asyncio\nasync def run():\n  process = await asyncio.create_subprocess_exec("echo", "x", stdout=-1)\n  return (await process.communicate())[0].decode()\nawait run()', 'x\n'], // prettier-ignore
  ['a pool of processes', 'import multiprocessing\nmultiprocessing.Pool(2).map(abs, [-1, -2])', '[1, 2]'],
  [
    'a pool of threads',
    'import concurrent.futures as c\nlist(c.ThreadPoolExecutor(8).map(abs, range(-2, 0)))',
    '[2, 1]',
  ],
  ['memory shared by name', 'from multiprocessing import shared_memory\nm = shared_memory.SharedMemory(create=True, size=9)\nm.buf[0] = 7\nm.close(); m.unlink()\n7', '7'], // prettier-ignore
  ['calls back from C', 'import ctypes\nctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x + 1)(4)', '5'],
  ['a database in a file', 'import sqlite3, os\nd = sqlite3.connect(os.environ["TMPDIR"] + "/d")\nd.execute("pragma journal_mode=wal").fetchone()[0]', 'wal'], // prettier-ignore
])('%s work as anywhere', async (_, code, result) => {
  expect(await sandbox.run(code)).toMatchObject({ outcome: 'result', result });
});

test('threads, processes, files and WebAssembly of Node work as anywhere', async () => {
  const code = `import { spawn } from 'node:child_process';
import { Worker } from 'node:worker_threads';
const worker = new Worker("require('worker_threads').parentPort.postMessage('thread')", { eval: true });
const said = await new Promise((resolve) => worker.on('message', resolve));
const child = spawn('cat');
child.stdin.end('process');
let output = '';
for await (const part of child.stdout) output += part;
await WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
[said, output].join()`;

  expect(await sandbox.run(code, { language: 'javascript' })).toMatchObject({ result: 'thread,process' });
});
