import { waitFor } from '../../../lab/wait';
import type { Deployed } from '../../deployed';

/** The database dies while a deployment migrates it. Runs last: the service has no schema afterwards. */
export function killedMigration(deployed: Deployed): void {
  test('a server killed during the migration fails the deployment, and the next one migrates to the end', async () => {
    const { services, template, service } = deployed.lab;
    const { postgres } = services;
    const version = () => postgres.sql('SELECT version_num FROM letta.alembic_version', 'letta');
    const tables = `SELECT 1 FROM pg_stat_activity WHERE datname = 'letta' AND query ~ '(CREATE|ALTER) (TABLE|INDEX|TYPE)'`;
    const [[setup], [migration]] = ['Custom::LettaDatabaseSetup', 'Custom::LettaMigration'].map(
      (type) => template.ofType(type)[0],
    );
    const head = await version();
    await service!.stop('the migration is tried without it', 5);
    await postgres.sql('ALTER SCHEMA letta RENAME TO kept', 'letta');
    await deployed.lab.customResource(setup, 'Update');

    const first = deployed.lab.customResource(migration, 'Update').then(
      () => undefined,
      (error: Error) => error,
    );
    await waitFor('the migration to make tables', async () => (await postgres.sql(tables)).length > 0, {
      timeout: 60_000,
      interval: 20,
    });
    await postgres.kill();
    await postgres.up();
    const failure = await first;
    expect(failure).toBeInstanceOf(Error);
    expect(failure!.message).toMatch(/migration/i);
    expect(failure!.message).not.toMatch(/X-Amz-Signature=\w/);

    await deployed.lab.customResource(migration, 'Update');
    expect(await version()).toEqual(head);
    // What was there before is untouched: it had another name.
    await postgres.sql('DROP SCHEMA letta CASCADE; ALTER SCHEMA kept RENAME TO letta', 'letta');
    expect(await version()).toEqual(head);
  }, 240_000);
}
