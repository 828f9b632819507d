import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ClientConfig } from 'pg';
import { Authority, createAuthority, createServerCertificate } from './certificates';
import { Postgres, startPostgres } from './postgres';
import { likeRds, Master, rdsHba } from './rds';

/** A server that looks like a new RDS instance, for tests of what sets it up. */
export interface RdsLikeServer {
  readonly postgres: Postgres;
  readonly authority: Authority;
  readonly master: Master;
  /** A session of `user` over verified TLS; a role that logs in by token needs no password here. */
  session(user: string, database: string, password?: string): ClientConfig;
  stop(): Promise<void>;
}

/**
 * Starts it on localhost.
 *
 * @param options.vector folder of pgvector; without it the extension `vector` is a stand-in that only has a version
 * @param options.iamRoles roles that log in by token. @default letta_migrator,letta_runtime
 */
export async function startRdsLikeServer(
  options: { vector?: string; database?: string; iamRoles?: string } = {},
): Promise<RdsLikeServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'rds-'));
  const authority = await createAuthority(folder);
  const tls = await createServerCertificate(folder, authority, ['localhost']);
  const hba = rdsHba(options.iamRoles ?? 'letta_migrator,letta_runtime', 'trust');
  const postgres = await startPostgres({ tls, hba, vector: options.vector });
  const master = { username: 'letta_master', password: randomBytes(24).toString('base64url') };
  await likeRds(postgres, master, options.database);
  return {
    postgres,
    authority,
    master,
    session: (user, database, password) => ({
      host: 'localhost',
      port: postgres.port,
      user,
      password,
      database,
      ssl: { ca: authority.cert, servername: 'localhost' },
    }),
    stop: async () => {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
