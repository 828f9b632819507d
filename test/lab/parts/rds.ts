import { Postgres } from './postgres';

/** The master user that RDS makes: its name and password. */
export interface Master {
  readonly username: string;
  readonly password: string;
}

/**
 * pg_hba.conf as RDS has it: those whom `rds_iam` was granted log in by token alone, everyone else by password, nobody
 * in plaintext. RDS's own rule asks for membership; Postgres' `+rds_iam` would also match the master, who administers
 * the roles it creates, so the roles are named here.
 *
 * @param iamRoles comma-separated roles that log in by token
 * @param method what stands in for the token check, e.g. `trust` behind a front that verifies tokens
 */
export function rdsHba(iamRoles: string, method: string): string[] {
  return [`hostssl all ${iamRoles} 0.0.0.0/0 ${method}`, 'hostssl all all 0.0.0.0/0 scram-sha-256'];
}

/**
 * Gives a server what RDS gives a new instance: the role `rds_iam`, a master that may create roles and databases and
 * pass `rds_iam` on but is no superuser, and the first database, which the master owns.
 *
 * @param database name of the first database. @default - none
 */
export async function likeRds(postgres: Postgres, master: Master, database?: string): Promise<void> {
  const { username, password } = master;
  await postgres.sql(`
    CREATE ROLE rds_iam NOLOGIN;
    CREATE ROLE "${username}" LOGIN CREATEROLE CREATEDB PASSWORD '${password}';
    GRANT rds_iam TO "${username}" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`);
  if (database) await postgres.sql(`CREATE DATABASE "${database}" OWNER "${username}"`);
}

/**
 * Gives a server that was made of a snapshot what RDS gives such an instance: its master, whom the snapshot decides, has a new
 * password. Everything else is there already.
 *
 * @returns name of the master
 */
export async function likeRdsRestored(postgres: Postgres, password: string): Promise<string> {
  const masters = await postgres.sql<{ rolname: string }>(
    'SELECT rolname FROM pg_roles WHERE rolcreaterole AND rolcreatedb AND NOT rolsuper',
  );
  if (masters.length !== 1) throw new Error(`the snapshot has ${masters.length} master users, wanted one`);
  await postgres.sql(`ALTER ROLE "${masters[0].rolname}" PASSWORD '${password}'`);
  return masters[0].rolname;
}
