import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAuthority, createServerCertificate } from './parts/certificates';
import { type Postgres, startPostgres } from './parts/postgres';
import { copyRunning } from './parts/postgres-standby';

// What the tests of faults rely on: a server that is killed, a standby that has all that was committed, a copy that stands alone.

let folder: string;
let tls: { key: string; cert: string };
let postgres: Postgres;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pg-faults-'));
  tls = await createServerCertificate(folder, await createAuthority(folder), ['localhost']);
  postgres = await startPostgres({ tls });
  await postgres.sql('CREATE TABLE kept (n int)');
}, 60_000);
afterAll(async () => {
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

const numbers = async () => (await postgres.sql<{ n: number }>('SELECT n FROM kept ORDER BY n')).map(({ n }) => n);

test('a server that was killed comes back with what was committed', async () => {
  await postgres.sql('INSERT INTO kept VALUES (1)');
  await postgres.kill();
  await expect(numbers()).rejects.toThrow();
  await postgres.up();
  expect(await numbers()).toEqual([1]);
  expect(postgres.log()).toContain('automatic recovery in progress');
}, 60_000);

test('a standby takes the place of a server that was killed, with what was committed a moment before', async () => {
  await postgres.addStandby();
  const { port } = postgres;
  await postgres.sql('INSERT INTO kept VALUES (2)');
  await postgres.failOver();
  expect(await numbers()).toEqual([1, 2]);
  expect(postgres.port).not.toBe(port);
  await postgres.sql('INSERT INTO kept VALUES (3)');
  await postgres.down();
  await postgres.up();
  expect(await numbers()).toEqual([1, 2, 3]);
}, 60_000);

test('a copy of a server that runs and is written to starts alone, with what was committed before and nothing later', async () => {
  await postgres.sql('CREATE TABLE busy (n int)');
  let ended = false;
  const writes = (async () => {
    for (let n = 0; !ended; n++) await postgres.sql(`INSERT INTO busy VALUES (${n})`);
  })();
  const data = path.join(folder, 'copy');
  await copyRunning(postgres, data);
  ended = true;
  await writes;
  await postgres.sql('INSERT INTO kept VALUES (4)');
  const copy = await startPostgres({ tls, copyOf: data });
  try {
    expect(await copy.sql('SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    await copy.sql('INSERT INTO kept VALUES (5)');
    expect(await numbers()).toEqual([1, 2, 3, 4]);
  } finally {
    await copy.stop();
  }
}, 60_000);

test('there is nothing to fail over to without a standby', async () => {
  await expect(postgres.failOver()).rejects.toThrow('addStandby()');
});
