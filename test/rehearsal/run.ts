import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAuthority, createServerCertificate } from '../lab/parts/certificates';
import { lettaVenv } from '../lab/parts/letta-venv';
import { node24 } from '../lab/parts/node24';
import { pgvector } from '../lab/parts/pgvector';
import { startPostgres } from '../lab/parts/postgres';
import { rdsHba } from '../lab/parts/rds';
import { DatabaseRole, RETENTION_ROLE } from '../../runtime/contract';
import { Account } from './account';
import { Checks } from './checks';
import { startEmulator } from './emulator';
import { lettaVersions } from './letta-versions';
import { Parts } from './parts';
import { Rehearsal } from './rehearsal';
import { synthesize } from './stack';
import { stubs } from './stubbed-types';

/**
 * `npm run rehearse`: the whole stack through the CDK CLI against an emulator, on the loopback interface alone. What it
 * proves and what not: docs/rehearsal.md.
 */
async function main(): Promise<number> {
  const checks = new Checks();
  const ends: (() => Promise<void>)[] = [];
  let ending: Promise<void> | undefined;
  const endAll = async () => {
    for (const stop of ends.reverse()) await stop();
  };
  const end = () => (ending ??= endAll());
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void end().then(() => process.exit(1)));
  try {
    const work = await mkdtemp(path.join(tmpdir(), 'rehearsal-'));
    ends.push(() => rm(work, { recursive: true, force: true }));

    const [letta, node, vector] = [await lettaVenv(), await node24(), await pgvector()];
    const authority = await createAuthority(work);
    // The template says the port, so the address makes room for several rehearsals.
    const host = `127.${[0, 0, 0].map(() => 1 + Math.floor(Math.random() * 250)).join('.')}`;
    const postgres = await startPostgres({
      host,
      port: 5432,
      tls: await createServerCertificate(work, authority, [host]),
      vector,
      hba: [
        // The gateway, which would log the migration in by IAM and over TLS, is not there.
        `hostnossl all ${DatabaseRole.MIGRATOR} 127.0.0.0/8 trust`,
        ...rdsHba([...Object.values(DatabaseRole), RETENTION_ROLE].join(','), 'trust'),
      ],
    });
    ends.push(() => postgres.stop());
    const versions = await lettaVersions(letta.migrations, path.join(work, 'versions'));
    const parts = await Parts.start({
      postgres,
      letta,
      versions: Object.values(versions),
      folder: path.join(work, 'parts'),
    });
    ends.push(() => parts.stop());
    const emulator = await startEmulator({ folder: path.join(work, 'emulator'), node, rehearsal: parts.url });
    ends.push(() => emulator.stop());

    const rehearsal = new Rehearsal({
      checks,
      account: new Account(emulator),
      parts,
      postgres,
      versions,
      synthesize: ({ name, digest }) => synthesize(path.join(work, 'assemblies', name), digest, authority.cert),
    });
    try {
      await rehearsal.run();
    } catch (error) {
      console.log(`the emulator's log ends with:\n${await emulator.log()}`);
      throw error;
    }
  } finally {
    await end();
  }
  console.log(`\nstubs in place of ${Object.keys(stubs()).join(', ')}`);
  console.log(
    'not proven: permissions, networks, values of properties, images, tasks of the service: docs/rehearsal.md',
  );
  console.log(checks.summary());
  return checks.failed > 0 ? 1 : 0;
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.stack);
    console.log('0 passed, 1 failed');
    process.exit(1);
  },
);
