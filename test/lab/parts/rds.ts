import { Postgres } from './postgres';

/** The master user that RDS makes: its name and password. */
export interface Master {
  readonly username: string;
  readonly password: string;
}

/**
 * pg_hba.conf as RDS has it where IAM authentication is on: whoever is a member of `rds_iam`, directly or through any
 * other role, logs in by token only (`iam` stands in for it here); everyone else by password.
 */
export function rdsHba(iam: string): string[] {
  return [`hostssl all +rds_iam 0.0.0.0/0 ${iam}`, 'hostssl all all 0.0.0.0/0 scram-sha-256'];
}

/**
 * Gives a server what RDS gives a new instance: the role `rds_iam`, a master that may create roles and databases, and
 * pass `rds_iam` on, but is no superuser, and the first database, which the master owns.
 */
export async function likeRds(postgres: Postgres, master: Master, database?: string): Promise<void> {
  await postgres.sql('CREATE ROLE rds_superuser NOLOGIN; CREATE ROLE rds_iam NOLOGIN');
  await postgres.sql(`CREATE ROLE "${master.username}" LOGIN CREATEROLE CREATEDB PASSWORD '${master.password}'`);
  // On RDS the master is no member of rds_iam, else it could not log in by password; yet it may grant it.
  await postgres.sql(GRANT_RDS_IAM);
  if (database) await postgres.sql(`CREATE DATABASE "${database}" OWNER "${master.username}"`);
}
