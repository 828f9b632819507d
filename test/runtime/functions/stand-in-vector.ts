import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * An extension named `vector` that holds nothing but its version: npm has no pgvector. What needs the real one is
 * checked by the conformance suite.
 */
export async function standInVector(version: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vector-'));
  await writeFile(path.join(folder, 'vector.control'), `default_version = '${version}'\nrelocatable = true\n`);
  await writeFile(path.join(folder, `vector--${version}.sql`), '-- nothing but its version\n');
  return folder;
}
