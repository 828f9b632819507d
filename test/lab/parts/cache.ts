import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

export const REPOSITORY = path.resolve(__dirname, '../../..');

/** Git-ignored folder for what the lab downloads and builds once. */
export const CACHE = path.join(REPOSITORY, '.lab');

/**
 * Returns `.lab/<name>-<key>`, built on first use. The key is a hash over the files the result is made from, so that a
 * change of one of them builds it anew; a build that fails or is cut off leaves nothing behind under the final name.
 */
export async function cached(
  name: string,
  inputs: { files?: string[]; text?: string },
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256').update(inputs.text ?? '');
  for (const file of inputs.files ?? []) hash.update(await readFile(path.join(REPOSITORY, file)));
  const folder = path.join(CACHE, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;

  await mkdir(CACHE, { recursive: true });
  const unfinished = await mkdtemp(`${folder}.`);
  try {
    await build(unfinished);
    await rename(unfinished, folder).catch((error) => {
      if (!existsSync(folder)) throw error; // else another process was quicker
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}
