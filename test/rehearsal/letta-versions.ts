import { createHash } from 'node:crypto';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A version of Letta, as far as a deployment sees it. */
export interface LettaVersion {
  readonly name: string;
  /** Digest of its image. */
  readonly digest: string;
  /** Folder that its image has at `/opt/letta/migrations`. */
  readonly migrations: string;
  /** Newest revision of its migrations. */
  readonly head: string;
  /** Whether its tasks pass their health check. */
  readonly isHealthy: boolean;
}

export interface LettaVersions {
  /** Without the release's last migration. */
  readonly before: LettaVersion;
  /** The release. */
  readonly current: LettaVersion;
  /** One more migration, which fails half-way. */
  readonly failing: LettaVersion;
  /** One more migration, whose tasks then never become healthy. */
  readonly unhealthy: LettaVersion;
  /** The same migrations as `unhealthy`, with tasks that become healthy. */
  readonly mended: LettaVersion;
}

interface Migration {
  readonly file: string;
  readonly revision: string;
  readonly downRevision?: string;
}

/** Makes versions of the release's own migrations that differ in the last one. */
export async function lettaVersions(release: string, folder: string): Promise<LettaVersions> {
  const found = await migrations(release);
  const [head, ...others] = found.filter(
    ({ revision }) => !found.some(({ downRevision }) => downRevision === revision),
  );
  if (!head?.downRevision || others.length > 0)
    throw new Error(`${release}: wanted one newest migration after another`);
  const version = async (
    name: string,
    newest: string,
    change: (versions: string) => Promise<void>,
    isHealthy = true,
  ) => {
    const copy = path.join(folder, name);
    await cp(release, copy, { recursive: true });
    await change(path.join(copy, 'alembic/versions'));
    const digest = `sha256:${createHash('sha256').update(name).digest('hex')}`;
    return { name, digest, migrations: copy, head: newest, isHealthy };
  };
  const add = (revision: string, statements: string[]) => (versions: string) =>
    writeFile(path.join(versions, `${revision}.py`), migration(revision, head.revision, statements));
  const table = 'CREATE TABLE rehearsal (id integer)';
  return {
    before: await version('before', head.downRevision, (versions) => rm(path.join(versions, head.file))),
    current: await version('current', head.revision, async () => undefined),
    failing: await version(
      'failing',
      'rehearsal_fails',
      add('rehearsal_fails', [table, 'ALTER TABLE no_such_table ADD COLUMN rehearsal integer']),
    ),
    unhealthy: await version('unhealthy', 'rehearsal', add('rehearsal', [table]), false),
    mended: await version('mended', 'rehearsal', add('rehearsal', [table])),
  };
}

async function migrations(release: string): Promise<Migration[]> {
  const versions = path.join(release, 'alembic/versions');
  const files = (await readdir(versions)).filter((file) => file.endsWith('.py'));
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(path.join(versions, file), 'utf8');
      const revision = /^revision: str = "(\w+)"/m.exec(text)?.[1];
      if (!revision) throw new Error(`${file} names no revision`);
      return { file, revision, downRevision: /^down_revision: .* = "(\w+)"/m.exec(text)?.[1] };
    }),
  );
}

function migration(revision: string, after: string, statements: string[]): string {
  const body = statements.map((statement) => `    op.execute(${JSON.stringify(statement)})\n`).join('');
  return `from alembic import op\n\nrevision = "${revision}"\ndown_revision = "${after}"\n\n\ndef upgrade():\n${body}`;
}
