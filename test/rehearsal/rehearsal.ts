import assert from 'node:assert/strict';
import type { StackEvent } from '@aws-sdk/client-cloudformation';
import { DatabaseRole, MIGRATION_SNAPSHOT, RETENTION_ROLE } from '../../runtime/contract';
import type { Postgres } from '../lab/parts/postgres';
import type { Account, CommandResult } from './account';
import type { Checks } from './checks';
import { completed, reasons, statuses } from './events';
import type { LettaVersion, LettaVersions } from './letta-versions';
import type { MigrationRun, Parts } from './parts';
import { ACCOUNT, Assembly, REGION, STACK } from './stack';
import { STAYS } from './stays';
import { stubs } from './stubbed-types';

export interface RehearsalOptions {
  readonly checks: Checks;
  readonly account: Account;
  readonly parts: Parts;
  readonly postgres: Postgres;
  readonly versions: LettaVersions;
  readonly synthesize: (version: LettaVersion) => Promise<Assembly>;
}

/** A deployment that has ended. */
interface Deployment extends CommandResult {
  /** What CloudFormation told of it. */
  readonly events: StackEvent[];
  /** Migration tasks that ran for it: version, and how it ended. */
  readonly migrations: MigrationRun[];
  /** Versions that the service was given. */
  readonly services: string[];
}

/** The life of a stack: made, updated, rolled back twice, deployed again, destroyed. */
export class Rehearsal {
  private readonly checks: Checks;
  private readonly account: Account;
  private readonly assemblies = new Map<string, Assembly>();

  constructor(private readonly options: RehearsalOptions) {
    this.checks = options.checks;
    this.account = options.account;
  }

  async run(): Promise<void> {
    const { checks } = this;
    await checks.part('synth', () => this.synth());
    await checks.part('bootstrap', async () => {
      const done = await this.account.cdk('bootstrap', `aws://${ACCOUNT}/${REGION}`);
      await checks.check('ends well', () => endsWell(done));
    });
    await checks.part('deploy', () => this.create());
    await checks.part('diff', () => this.isUnchanged(this.options.versions.before));
    await checks.part('update to another image', () => this.update());
    await checks.part('update whose migration fails', () => this.migrationFails());
    await checks.part('update whose migration succeeds and whose service fails', () => this.serviceFails());
    await checks.part('the same update, with a service that becomes healthy', () => this.mend());
    await checks.part('destroy', () => this.destroy());
  }

  private async synth(): Promise<void> {
    const { template } = await this.assembly(this.options.versions.before);
    const types = new Set(Object.values(template.Resources).map(({ Type }) => Type));
    console.log(`  ${Object.keys(template.Resources).length} resources of ${types.size} types`);
    await this.checks.check('each stub stands for a type of the template', () => {
      const unused = Object.keys(stubs()).filter((type) => !types.has(type));
      assert.deepEqual(unused, []);
    });
  }

  private async create(): Promise<void> {
    const { before } = this.options.versions;
    const deployment = await this.deploy(before);
    await this.endedAs(deployment, 'CREATE_COMPLETE', {
      serving: before,
      migrated: before,
      ran: [[before, 0]],
      snapshots: [],
    });
    const order = [
      'AWS::RDS::DBInstance',
      'Custom::LettaDatabaseSetup',
      'Custom::LettaMigration',
      'AWS::ECS::Service',
      'Custom::LettaRetentionRole',
    ];
    await this.checks.check('database, set-up, migration, service and retention come one after another', () =>
      assert.deepEqual(completed(deployment.events, order), order),
    );
    await this.checks.check(
      'the set-up has made extension and roles in Postgres, and IAM is how these log in',
      async () => {
        const { postgres } = this.options;
        assert.equal((await postgres.sql(`SELECT FROM pg_extension WHERE extname = 'vector'`, 'letta')).length, 1);
        const members = await postgres.sql<{ name: string }>(
          `SELECT roles.rolname AS name FROM pg_auth_members JOIN pg_roles AS roles ON roles.oid = member
         WHERE roleid = 'rds_iam'::regrole AND inherit_option ORDER BY 1`,
        );
        const expected = [...Object.values(DatabaseRole), RETENTION_ROLE].sort();
        assert.deepEqual(
          members.map(({ name }) => name),
          expected,
        );
      },
    );
    await this.checks.check('the outputs tell the address and the secret', async () => {
      const { Outputs = [] } = await this.account.stack();
      const outputs = Object.fromEntries(Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
      assert.match(outputs.Url ?? '', /^https:\/\/.+/);
      // Here a secret's Ref is its name; on AWS it is the ARN.
      assert.match(outputs.ApiPasswordSecretArn ?? '', /ApiPassword/);
    });
  }

  private async update(): Promise<void> {
    const { before, current } = this.options.versions;
    const deployment = await this.deploy(current);
    await this.endedAs(deployment, 'UPDATE_COMPLETE', {
      serving: current,
      migrated: current,
      ran: [[current, 0]],
      snapshots: [[before, current]],
    });
    const order = [MIGRATION_SNAPSHOT, 'Custom::LettaMigration', 'AWS::ECS::Service'];
    await this.checks.check('snapshot, migration and service come one after another', () =>
      assert.deepEqual(completed(deployment.events, order), order),
    );
  }

  private async migrationFails(): Promise<void> {
    const { before, current, failing } = this.options.versions;
    const deployment = await this.deploy(failing);
    const ran: Ran[] = [
      [failing, 1],
      [current, 0],
    ];
    await this.endedAs(deployment, 'UPDATE_ROLLBACK_COMPLETE', {
      serving: current,
      migrated: current,
      ran,
      snapshots: [
        [before, current],
        [current, failing],
      ],
    });
    await this.checks.check('the error tells what alembic last said', () => {
      const told = reasons(deployment.events, 'Custom::LettaMigration');
      assert.match(told, /the database migration failed/);
      assert.match(told, /relation "no_such_table" does not exist/);
    });
    await this.checks.check('the service was left alone', () => assert.deepEqual(deployment.services, []));
    await this.checks.check('what the failed migration had done before is taken back', async () => {
      assert.deepEqual(await this.options.postgres.sql(`SELECT to_regclass('letta.rehearsal') AS made`, 'letta'), [
        { made: null },
      ]);
    });
  }

  private async serviceFails(): Promise<void> {
    const { before, current, failing, unhealthy } = this.options.versions;
    const deployment = await this.deploy(unhealthy);
    const ran: Ran[] = [
      [unhealthy, 0],
      [current, 'fails'],
    ];
    await this.endedAs(deployment, 'UPDATE_ROLLBACK_COMPLETE', {
      serving: current,
      migrated: unhealthy,
      ran,
      snapshots: [
        [before, current],
        [current, failing],
        [current, unhealthy],
      ],
    });
    await this.checks.check('it was the service that failed', () =>
      assert.match(reasons(deployment.events, 'AWS::ECS::Service'), /Circuit Breaker/),
    );
    await this.checks.check('the rollback’s migration found a database that is ahead, and was let through', () => {
      assert.match(deployment.migrations.at(-1)?.lines.join('\n') ?? '', /Can't locate revision identified by/);
      assert.deepEqual(
        statuses(deployment.events, 'Custom::LettaMigration').filter((status) => /FAILED/.test(status)),
        [],
      );
    });
  }

  private async mend(): Promise<void> {
    const { mended } = this.options.versions;
    const deployment = await this.deploy(mended);
    const snapshots = this.lastThree();
    await this.endedAs(deployment, 'UPDATE_COMPLETE', {
      serving: mended,
      migrated: mended,
      ran: [[mended, 0]],
      snapshots,
    });
    await this.isUnchanged(mended);
  }

  /** Of the four that were taken, the oldest one goes with a migration that went well. */
  private lastThree(): [LettaVersion, LettaVersion][] {
    const { current, failing, unhealthy, mended } = this.options.versions;
    return [failing, unhealthy, mended].map((next) => [current, next]);
  }

  private async destroy(): Promise<void> {
    const { StackId } = await this.account.stack();
    const { folder } = await this.assembly(this.options.versions.mended);
    const done = await this.account.cdk('destroy', STACK, '--app', folder, '--force');
    await this.checks.check('ends well', () => endsWell(done));
    await this.checks.check('the stack is DELETE_COMPLETE', async () =>
      assert.equal((await this.account.stack(StackId)).StackStatus, 'DELETE_COMPLETE'),
    );
    const skipped = (await this.account.events(StackId!)).filter(
      ({ ResourceStatus }) => ResourceStatus === 'DELETE_SKIPPED',
    );
    const stayed = counted(skipped.map(({ ResourceType }) => ResourceType!));
    console.log(
      `  stays: ${Object.entries(stayed)
        .map(([type, count]) => `${type} ${count}`)
        .join(', ')}`,
    );
    await this.checks.check('what stays is what the documents say', () => assert.deepEqual(stayed, STAYS));
    await this.snapshotsAre(this.lastThree());
    await this.checks.check('the tables of the agents are there', async () =>
      assert.deepEqual(await this.options.postgres.sql('SELECT count(*)::int AS agents FROM letta.agents', 'letta'), [
        { agents: 0 },
      ]),
    );
  }

  /** What holds after each deployment. */
  private async endedAs(deployment: Deployment, status: string, expected: Expected): Promise<void> {
    const { serving, migrated, ran } = expected;
    const { checks, account } = this;
    await checks.check(`the stack is ${status}`, async () =>
      assert.equal((await account.stack()).StackStatus, status, deployment.output),
    );
    await checks.check(`the CLI ${/ROLLBACK/.test(status) ? 'fails' : 'ends well'}`, () =>
      /ROLLBACK/.test(status) ? assert.notEqual(deployment.exitCode, 0) : endsWell(deployment),
    );
    await checks.check(`migrations ran: ${ran.map(([version, exit]) => `${version.name} ${exit}`).join(', ')}`, () =>
      assert.deepEqual(
        deployment.migrations.map(({ version, exitCode }, index) => [
          version,
          ran[index]?.[1] === 'fails' && exitCode !== 0 ? 'fails' : exitCode,
        ]),
        ran.map(([version, exit]) => [version.name, exit]),
      ),
    );
    await checks.check(`the database is at the head of ${migrated.name}`, async () => {
      const versions = await this.options.postgres.sql('SELECT version_num FROM letta.alembic_version', 'letta');
      assert.deepEqual(versions, [{ version_num: migrated.head }]);
    });
    await checks.check(`the service runs ${serving.name}`, async () =>
      assert.match(await account.servingImage(), new RegExp(`@${serving.digest}$`)),
    );
    await this.snapshotsAre(expected.snapshots);
  }

  /** Which snapshots from before migrations are there, each tagged with this stack and the images that it stands between. */
  private async snapshotsAre(expected: [LettaVersion, LettaVersion][]): Promise<void> {
    const names = expected.map(([from, to]) => `${from.name} to ${to.name}`);
    await this.checks.check(`snapshots before migrations: ${names.join(', ') || 'none'}`, async () => {
      const digest = (image = '') => image.slice(image.indexOf('@') + 1);
      const found = await this.account.migrationSnapshots();
      assert.deepEqual(
        found.map((tags) => [digest(tags['cdk-letta:from-image']), digest(tags['cdk-letta:to-image'])]),
        expected.map((versions) => versions.map((version) => version.digest)),
      );
      for (const tags of found) assert.match(tags['cdk-letta:stack'], new RegExp(`:stack/${STACK}/`));
    });
  }

  private async isUnchanged(version: LettaVersion): Promise<void> {
    const { folder } = await this.assembly(version);
    const found = await this.account.cdk('diff', STACK, '--app', folder, '--fail', '--method=template');
    await this.checks.check('diff finds nothing', () => endsWell(found));
  }

  private async assembly(version: LettaVersion): Promise<Assembly> {
    const made = this.assemblies.get(version.name) ?? (await this.options.synthesize(version));
    this.assemblies.set(version.name, made);
    return made;
  }

  private async deploy(version: LettaVersion): Promise<Deployment> {
    const { parts } = this.options;
    const { folder } = await this.assembly(version);
    const begun = new Date();
    const [ran, given] = [parts.migrations.length, parts.services.length];
    const result = await this.account.cdk('deploy', STACK, '--app', folder, '--require-approval', 'never');
    const { StackId } = await this.account.stack();
    const events = (await this.account.events(StackId!)).filter(({ Timestamp }) => Timestamp! >= begun);
    return { ...result, events, migrations: parts.migrations.slice(ran), services: parts.services.slice(given) };
  }
}

/** A migration that ran, and its exit code. */
type Ran = [LettaVersion, number | 'fails'];

interface Expected {
  readonly serving: LettaVersion;
  readonly migrated: LettaVersion;
  readonly ran: Ran[];
  /** Snapshots before migrations: which image there was, and which one was to come. */
  readonly snapshots: [LettaVersion, LettaVersion][];
}

function endsWell({ exitCode, output }: CommandResult): void {
  assert.equal(exitCode, 0, output);
}

function counted(items: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items.sort()) counts[item] = (counts[item] ?? 0) + 1;
  return counts;
}
