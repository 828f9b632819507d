import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationLock, MigrationLockOptions } from '../../../../runtime/gateway/database/migration-lock';
import type { Postgres } from '../../../lab/parts/postgres';
import { RdsLikeServer, startRdsLikeServer } from '../../../lab/parts/rds-like-server';

let server: RdsLikeServer;
let postgres: Postgres;
let options: Omit<MigrationLockOptions, 'onLost' | 'log' | 'waitMs'>;
const logged: string[] = [];
const log = {
  info: (event: string, fields: object) => logged.push(`${event} ${JSON.stringify(fields)}`),
} as unknown as MigrationLockOptions['log'];

/** By its Unix socket without a password, as PgBouncer offers it on loopback. */
beforeAll(async () => {
  server = await startRdsLikeServer();
  ({ postgres } = server);
  const { host, port } = postgres.superuser();
  options = {
    ...{ host: host!, port: port!, user: 'postgres', database: 'postgres' },
    ...{ attemptEveryMs: 20, lookEveryMs: 20 },
  };
}, 60_000);
afterAll(() => server.stop());
beforeEach(() => logged.splice(0));

const unexpected = (reason: string) => {
  throw new Error(reason);
};
const take = (waitMs: number, onLost: (reason: string) => void = unexpected) =>
  MigrationLock.take({ ...options, waitMs, onLost, log });

test('a second migration waits, says for whom, and goes on when the first has ended', async () => {
  const first = await take(1_000);
  const second = take(10_000);
  await sleep(200);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatch(/^migration-waits .*another migration of this database runs since \d{4}-.*\(session \d+\)/);
  await first.release();
  await (await second).release();
});

test('gives up after its time, naming the other migration and what to do', async () => {
  const first = await take(1_000);
  await expect(take(300)).rejects.toThrow(
    /not to be had: another migration of this database runs since .* wait until it has ended, then deploy again/,
  );
  await first.release();
});

test('of ten at once, never two hold it', async () => {
  let holders = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      const lock = await take(20_000);
      most = Math.max(most, ++holders);
      await sleep(30);
      holders--;
      await lock.release();
    }),
  );
  expect(most).toBe(1);
});

test('tells once when its session is cut, so that what runs under it ends', async () => {
  const reasons: string[] = [];
  await take(1_000, (reason) => reasons.push(reason));
  await postgres.sql(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'`);
  await sleep(300);
  expect(reasons).toEqual([expect.stringContaining('the lock on migrations was lost')]);
  await (await take(1_000)).release();
});

test('another database of the server has a lock of its own', async () => {
  await postgres.sql('CREATE DATABASE other');
  const first = await take(1_000);
  const second = await MigrationLock.take({ ...options, database: 'other', waitMs: 0, onLost: () => undefined, log });
  await Promise.all([first.release(), second.release()]);
});

test('waits for a database that is not there yet', async () => {
  await postgres.down();
  const lock = take(20_000);
  await sleep(300);
  await postgres.up();
  await (await lock).release();
});

test('says why when the database never comes', async () => {
  await expect(
    MigrationLock.take({ ...options, host: '127.0.0.1', port: 1, waitMs: 100, onLost: () => undefined, log }),
  ).rejects.toThrow(/the lock on migrations was not to be had: .*ECONNREFUSED/);
});
