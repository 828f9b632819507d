// Bundles what runs in the account, so that neither a clone's users nor a package's consumers need esbuild at synth.
import { build } from 'esbuild';
import { copyFile, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const common = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  external: ['pg-native'],
  logLevel: 'warning',
  absWorkingDir: root,
};

/** Of undici only the pool: its index loads fetch, WebSocket and caches as well, 7 MB of an idle gateway's memory. */
const undiciPoolOnly = {
  name: 'undici-pool-only',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'pool-only' }));
    onLoad({ filter: /.*/, namespace: 'pool-only' }, () => ({
      // As undici's own index does it. A named export, so that the build fails on a name that is not among them.
      contents: `
        import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
        import * as api from 'undici/lib/api/index.js';
        Object.assign(Dispatcher.prototype, api);
        export { default as Pool } from 'undici/lib/dispatcher/pool.js';`,
      resolveDir: root,
    }));
  },
};

/** Replaces a folder as a whole, so that a synth at the same moment finds the old bundles or the new ones. */
async function replaceFolder(folder, fill) {
  const target = path.join(root, folder);
  const next = `${target}.new`;
  await rm(next, { recursive: true, force: true });
  await fill(next);
  await rm(target, { recursive: true, force: true });
  await rename(next, target);
}

function bundleGateway(outdir) {
  return build({
    ...common,
    entryPoints: {
      main: 'runtime/gateway/main.ts',
      healthcheck: 'runtime/gateway/healthcheck.ts',
      export: 'runtime/export/main.ts',
    },
    plugins: [undiciPoolOnly],
    // The AWS SDK as ES modules, of which esbuild leaves out what is not used: 6 MB of an idle gateway's memory.
    mainFields: ['module', 'main'],
    outdir,
  });
}

async function bundleFunctions(outdir) {
  const handlers = (await readdir(path.join(root, 'runtime/functions'))).filter((name) => name.endsWith('.handler.ts'));
  for (const handler of handlers) {
    await build({
      ...common,
      entryPoints: [`runtime/functions/${handler}`],
      outfile: path.join(outdir, handler.replace('.handler.ts', ''), 'index.js'),
    });
  }
  // These handlers verify the database against it and look for it beside their code.
  for (const name of ['database-setup', 'retention']) {
    await copyFile(path.join(root, 'runtime/images/gateway/ca/rds.pem'), path.join(outdir, name, 'rds.pem'));
  }
}

/** Runs JavaScript and TypeScript in the sandbox function. */
function bundleSandbox(outdir) {
  return build({ ...common, entryPoints: ['runtime/images/sandbox/node/runner.ts'], outdir });
}

await Promise.all([
  replaceFolder('runtime/images/gateway/dist', bundleGateway),
  replaceFolder('runtime/functions/dist', bundleFunctions),
  replaceFolder('runtime/images/sandbox/dist', bundleSandbox),
]);
