// Bundles what runs in the account, so that neither a clone's users nor a package's consumers need esbuild at synth.
import { build } from 'esbuild';
import { copyFile, readdir, rm } from 'node:fs/promises';
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

async function bundleGateway() {
  const outdir = 'runtime/images/gateway/dist';
  await rm(path.join(root, outdir), { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: ['runtime/gateway/main.ts', 'runtime/gateway/healthcheck.ts'],
    outdir,
  });
}

async function bundleFunctions() {
  const handlers = (await readdir(path.join(root, 'runtime/functions'))).filter((name) => name.endsWith('.handler.ts'));
  await rm(path.join(root, 'runtime/functions/dist'), { recursive: true, force: true });
  for (const handler of handlers) {
    const name = handler.replace('.handler.ts', '');
    await build({
      ...common,
      entryPoints: [`runtime/functions/${handler}`],
      outfile: `runtime/functions/dist/${name}/index.js`,
    });
  }
  // The handler verifies the database against it and looks for it beside its code.
  await copyFile(
    path.join(root, 'runtime/images/gateway/ca/rds.pem'),
    path.join(root, 'runtime/functions/dist/database-setup/rds.pem'),
  );
}

await Promise.all([bundleGateway(), bundleFunctions()]);
