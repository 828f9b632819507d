import { Client } from 'pg';
import { waitFor } from '../../lab/wait';
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

    describe('before another image migrates', () => {
      const snapshots = () => deployed.lab.services.rds.snapshots;
      const update = async (status: string) => {
        deployed.lab.services.cloudFormation.status = status;
        const [[id]] = deployed.lab.template.ofType('Custom::LettaMigrationSnapshot');
        await deployed.lab.customResource(id, 'Update', { image: 'letta:old' });
      };

      test('has no snapshot of a first deployment', () => expect(snapshots()).toEqual([]));

      test('keeps the newest three snapshots, named and tagged, and nobody else’s is touched', async () => {
        const instance = deployed.lab.template.only('AWS::RDS::DBInstance')[0];
        const name = String(deployed.lab.template.resolve({ Ref: instance }));
        const mine = {
          instance: name,
          identifier: 'mine',
          created: new Date(0),
          tags: {},
          status: 'available' as const,
        };
        snapshots().push(mine);
        for (let taken = 0; taken < 4; taken++) await update('UPDATE_IN_PROGRESS');
        expect(snapshots()).toHaveLength(5);
        await migrate('UPDATE_IN_PROGRESS');
        const [first, ...own] = snapshots();
        expect(first).toBe(mine);
        expect(own).toHaveLength(3);
        for (const { identifier, tags } of own) {
          expect(identifier).toMatch(new RegExp(`^${name}-before-migration-[0-9a-f]{12}$`));
          expect(tags).toMatchObject({
            'cdk-letta:from-image': 'letta:old',
            'cdk-letta:to-image': expect.stringMatching(/./),
          });
        }
      }, 60_000);

      test('does not wait for one while the stack rolls back', async () => {
        const before = [...snapshots()];
        await update('UPDATE_ROLLBACK_IN_PROGRESS');
        expect(snapshots()).toEqual(before);
      });
    });

    test('waits for another migration of the database, and says so', async () => {
      const other = new Client(deployed.lab.services.postgres.superuser('letta'));
      await other.connect();
      await other.query('SELECT pg_advisory_lock(7236, 1)');
      const migrated = migrate('UPDATE_IN_PROGRESS');
      const waits = () =>
        deployed.lab
          .logLines()
          .find(({ line }) => line.includes('"migration-waits"') && line.includes('another migration'));
      await waitFor('the second migration to wait', () => Promise.resolve(waits() !== undefined), { timeout: 60_000 });
      await other.end();
      await migrated;
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
