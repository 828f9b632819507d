import { chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SandboxFunction } from './sandbox-function';

jest.setTimeout(120_000);

const home = 'import os\nhome = os.environ["TMPDIR"]\nos.chdir(home)\n';
const look = `${home}s = os.stat(home)\n(os.listdir(home), os.listxattr(home), oct(s.st_mode & 0o7777), s.st_mtime < 123)`;

describe('after a run', () => {
  const sandbox = new SandboxFunction();
  let before: string | undefined;
  beforeAll(async () => {
    await sandbox.start();
    before = (await sandbox.run(look)).result;
  });
  afterAll(() => sandbox.stop());

  test.each([
    [
      'attributes of its home',
      'try: os.setxattr(home, "user.left", b"secret")\nexcept OSError as e: assert e.errno == 95',
    ],
    ['a time of its home', 'os.utime(home, (99, 99))'],
    ['rights of its home', 'os.chmod(home, 0o2751)'],
    ['files under the names that the wiping uses', 'for n in range(50):\n  for pid in {os.getppid(), *range(1, 9)}:\n    os.makedirs(f".wipe-{pid}-{n}/x", exist_ok=True)'], // prettier-ignore
    ['more links than files', 'open("f", "w")\nfor n in range(20000): os.link("f", f"l{n}")'],
    ['folders without rights in folders without rights', 'for n in range(50):\n  os.makedirs(f"{n}/a/b")\n  open(f"{n}/a/b/c", "w")\n  for f in ("a/b", "a", ""): os.chmod(f"{n}/{f}", 0)'], // prettier-ignore
  ])('%s are gone', async (_, code) => {
    expect(await sandbox.run(`${home}${code}`)).toMatchObject({ outcome: 'result' });

    expect(readdirSync(sandbox.folder)).toEqual([]);
    expect((await sandbox.run(look)).result).toBe(before);
  });

  test('what takes long to remove does not hold up the answer, and is gone before the next run', async () => {
    const code = `${home}for _ in range(3000): os.mkdir("d"); os.chdir("d")\nwhile True: pass`;

    const answer = await sandbox.run(code, { timeoutMs: 4000 });

    expect(answer.outcome).toBe('timeout');
    expect(answer.durationMs).toBeLessThan(4000 + 3000 + 3000);
    expect((await sandbox.run(look)).result).toBe(before);
  });

  test.each(['FS_IOC_SETFLAGS', 'FS_IOC_SETVERSION', 'FS_IOC_FSSETXATTR'])('its home gets no %s', async (name) => {
    const numbers = { FS_IOC_SETFLAGS: 0x40086602, FS_IOC_SETVERSION: 0x40087602, FS_IOC_FSSETXATTR: 0x401c5820 };
    const number = numbers[name as keyof typeof numbers];

    const answer = await sandbox.run(`${home}import fcntl\nfcntl.ioctl(os.open(home, 0), ${number}, bytes(28))`);

    expect(answer).toMatchObject({ error: { name: 'PermissionError' } });
  });
});

test('a function that starts over the files of the one before begins with none', async () => {
  const sandbox = new SandboxFunction();
  const left = path.join(sandbox.folder, 'left');
  writeFileSync(left, 'secret');
  if (process.getuid?.() === 0) chownSync(left, 65534, 65534);
  await sandbox.start();
  try {
    expect((await sandbox.run(`${home}os.listdir(home)`)).result).toBe('[]');
  } finally {
    await sandbox.stop();
  }
});

test('an environment in which a run is out of control ends, and says so without quoting the tool', async () => {
  const sandbox = new SandboxFunction();
  await sandbox.start();
  const children = readFileSync(`/proc/${sandbox.pid}/task/${sandbox.pid}/children`, 'utf8').trim().split(' ');
  const run = sandbox.run('import time\nsecret = "do not quote me"\ntime.sleep(20)').catch((error: Error) => error);
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const child of children) process.kill(Number(child), 'SIGKILL');
  try {
    expect(String(await run)).toContain('ended with 1');
    expect(sandbox.log).toContain('the environment ends');
    expect(sandbox.log).not.toContain('quote');
  } finally {
    await sandbox.stop();
  }
});
