import { randomBytes } from 'node:crypto';
import { DatabaseRole, RETENTION_ROLE } from '../../runtime/contract';
import type { FakeSecretsManager } from './fake-aws/secrets-manager';
import { pgvector } from './parts/pgvector';
import { type Postgres, startPostgres } from './parts/postgres';
import { likeRds, likeRdsRestored, type Master, rdsHba } from './parts/rds';
import type { Template } from './template';

export interface DatabaseInstanceOptions {
  readonly template: Template;
  /** Gets the secret of the master that RDS manages. */
  readonly secrets: FakeSecretsManager;
  readonly tls: { readonly key: string; readonly cert: string };
  /** Folder with the data of the snapshot that it is made of. @default - none, it is new */
  readonly snapshot?: string;
}

/** Roles that log in by token once they are members of rds_iam. */
const iamRoles: string[] = [DatabaseRole.MIGRATOR, DatabaseRole.RUNTIME, RETENTION_ROLE];

/**
 * Starts a Postgres that is what RDS makes of the template's instance.
 *
 * @throws when the template wants a snapshot and there is none, or the other way round
 */
export async function startDatabaseInstance(
  options: DatabaseInstanceOptions,
): Promise<{ postgres: Postgres; master: Master }> {
  const { template, secrets, tls, snapshot } = options;
  const [id, { Properties = {} }] = template.only('AWS::RDS::DBInstance');
  if ((Properties.DBSnapshotIdentifier === undefined) !== (snapshot === undefined)) {
    throw new Error(
      `${id} is made of snapshot ${String(Properties.DBSnapshotIdentifier)}, the lab was given the data ${snapshot}`,
    );
  }
  const postgres = await startPostgres({
    tls,
    copyOf: snapshot,
    vector: await pgvector(),
    hba: rdsHba(iamRoles.join(), 'trust'),
    settings: settingsOf(template),
    // It is changed to its user by setpriv, and must end with this process: a change of user undoes an earlier setting.
    wrap: ([setpriv, ...command]) => [setpriv, '--pdeathsig', 'KILL', ...command],
  });
  try {
    const password = randomBytes(18).toString('base64url');
    const username = snapshot ? await likeRdsRestored(postgres, password) : String(Properties.MasterUsername);
    const master = { username, password };
    if (!snapshot) await likeRds(postgres, master, String(Properties.DBName));
    const secretArn = template.resolve({ 'Fn::GetAtt': [id, 'MasterUserSecret.SecretArn'] });
    secrets.put(String(secretArn), JSON.stringify(master));
    return { postgres, master };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** Port of the template's instance. */
export function portOf(template: Template): number {
  const [id] = template.only('AWS::RDS::DBInstance');
  return Number(template.properties<{ Port?: string }>(id).Port ?? 5432);
}

/**
 * Whether RDS would ask this user for a token: members of rds_iam, but not the master, who may only pass it on.
 *
 * @throws Error for one of our roles that is no member: the real server trusts it, RDS would not
 */
export async function needsToken(postgres: Postgres, user: string): Promise<boolean> {
  const rows = await postgres.sql(
    `SELECT 1 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
     WHERE g.rolname = 'rds_iam' AND u.rolname = '${user.replaceAll("'", "''")}' AND (m.inherit_option OR m.set_option)`,
  );
  if (rows.length === 0 && iamRoles.includes(user))
    throw new Error(`${user} is no member of rds_iam and has no password`);
  return rows.length > 0;
}

/** The parameter group's settings, as far as a plain Postgres knows them. */
function settingsOf(template: Template): Record<string, string> {
  const parameters = template
    .ofType('AWS::RDS::DBParameterGroup')
    .flatMap(([id]) =>
      Object.entries(template.properties<{ Parameters?: Record<string, string> }>(id).Parameters ?? {}),
    );
  const known = parameters.filter(([name]) => !name.startsWith('rds.'));
  return Object.fromEntries(known.map(([name, value]) => [name, `'${value}'`]));
}
