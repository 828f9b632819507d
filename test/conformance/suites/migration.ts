import type { Deployed } from '../deployed';

/** What a deployment says when the migration cannot be. Leaves the database as it was. */
export function migrationSuite(deployed: Deployed): void {
  describe('the migration step', () => {
    const sql = (text: string) => deployed.lab.services.postgres.sql<{ version_num: string }>(text, 'letta');
    const migrate = (status: string) => {
      deployed.lab.services.cloudFormation.status = status;
      const [[id]] = deployed.lab.template.ofType('Custom::LettaMigration');
      return deployed.lab.customResource(id, 'Update');
    };

    test('does nothing to a database that is up to date', async () => {
      const before = await sql('SELECT version_num FROM letta.alembic_version');
      await migrate('UPDATE_IN_PROGRESS');
      expect(await sql('SELECT version_num FROM letta.alembic_version')).toEqual(before);
    }, 120_000);

    describe('when the database is ahead of the image', () => {
      let head: string;
      beforeAll(async () => {
        [{ version_num: head }] = await sql('SELECT version_num FROM letta.alembic_version');
        await sql(`UPDATE letta.alembic_version SET version_num = 'ffffffffffff'`);
      });
      afterAll(() => sql(`UPDATE letta.alembic_version SET version_num = '${head}'`));

      test('fails the update, with alembic’s own words in the error', async () => {
        const failure = await migrate('UPDATE_IN_PROGRESS').catch((error: Error) => error);
        expect(failure).toBeInstanceOf(Error);
        expect(failure?.message).toContain('the database is ahead of this image');
        expect(failure?.message).toContain("Can't locate revision identified by 'ffffffffffff'");
        expect(Buffer.byteLength(String(failure?.message))).toBeLessThan(4096);
      }, 120_000);

      test('lets a rollback through', async () => {
        await migrate('UPDATE_ROLLBACK_IN_PROGRESS');
      }, 120_000);
    });
  });
}
