import { Annotations, Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { ILettaDatabase } from './letta-database';
import { BackedUpDatabase, backedUpDatabase } from './private/backed-up-database';
import { copyVaults } from './private/backup-copies';
import { backupRole } from './private/backup-role';
import { requireDuration, shown } from './private/kinds';
import { RestoreTest } from './private/restore-test';
import { uniqueName } from './private/unique-name';
import { validateRegion } from './private/validation';

/** Properties of a `LettaBackup`. */
export interface LettaBackupProps {
  /**
   * The database that is backed up, one that the app makes: a `LettaDatabase`, e.g. `stack.ownDatabase` of a `LettaBedrockStack`, or
   * a `LettaAuroraDatabase`.
   */
  readonly database: ILettaDatabase;

  /**
   * When a backup is taken, as a cron expression in UTC.
   *
   * @default - every day at 05:00
   */
  readonly schedule?: events.Schedule;

  /**
   * How long a backup is kept, in whole days, at least 1. Must fit the vault's lock.
   *
   * @default Duration.days(35)
   */
  readonly retention?: Duration;

  /**
   * Vault of the backups, one of this account and region. Not together with `vaultLock`, `encryptionKey` or `removalPolicy`.
   *
   * @default - a new one
   */
  readonly vault?: backup.IBackupVault;

  /**
   * Lock of the vault that is made: no backup is deleted before `minRetention`, by nobody. With `changeableFor` (at least 3 days)
   * the lock itself can never be taken away after that time, and neither can the vault while it holds a backup.
   *
   * @default - none
   */
  readonly vaultLock?: backup.LockConfiguration;

  /**
   * Key of the vault that is made. Snapshots of a database stay under the database's own key all the same.
   *
   * @default - the account's key of AWS Backup
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * What becomes of the vault that is made, and of the role that ages its backups, when they leave the stack. CloudFormation
   * cannot delete a vault that holds backups.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * ARNs of vaults that each backup is copied to, in another region or in another account of the organization; not both at
   * once, which AWS Backup doesn't do for databases. Another account needs a database with an `encryptionKey`, whose policy lets
   * that account use it, and a vault whose access policy lets this one copy (`backup:CopyIntoBackupVault`).
   *
   * @default - none
   */
  readonly copyToVaultArns?: string[];

  /**
   * How long copies are kept, in whole days, at least 1.
   *
   * @default - `retention`
   */
  readonly copyRetention?: Duration;

  /**
   * Whether the latest backup is restored regularly, beside the database and out of reach, and deleted again. It costs an
   * instance of the database's class for as long as a restore takes. Of Aurora the cluster alone is restored, without an instance.
   *
   * @default true
   */
  readonly restoreTest?: boolean;

  /**
   * When the latest backup is restored for a test, as a cron expression in UTC.
   *
   * @default - every Sunday at 12:00
   */
  readonly restoreTestSchedule?: events.Schedule;
}

/**
 * Backups of a `LettaDatabase` or a `LettaAuroraDatabase` by AWS Backup, beside RDS's own ones: in a vault that may be locked, copied to another region or
 * account, and restored for a test every week.
 *
 * RDS's own backups (`backupRetention` of the database) stay what restores any second. AWS Backup takes snapshots and no
 * continuous backups, because those take over the instance's `BackupRetentionPeriod`, which CloudFormation sets too.
 *
 * @throws for a retention that the lock or AWS Backup doesn't allow, and for copies that AWS Backup cannot make
 */
export class LettaBackup extends Construct {
  /** Where the backups are. */
  readonly vault: backup.IBackupVault;
  /** The plan, e.g. for rules of your own. */
  readonly plan: backup.BackupPlan;
  /** Role that takes the backups, copies them and deletes them when they are old. */
  readonly role: iam.IRole;

  constructor(scope: Construct, id: string, props: LettaBackupProps) {
    super(scope, id);
    const database = this.ownDatabase(props.database);
    validateRegion(this, 'database', database.region, 'AWS Backup takes what is in its own region');
    const schedule = this.cron('schedule', props.schedule) ?? events.Schedule.cron({ hour: '5', minute: '0' });
    const restoreTestSchedule =
      this.cron('restoreTestSchedule', props.restoreTestSchedule) ??
      events.Schedule.cron({ weekDay: 'SUN', hour: '12', minute: '0' });
    const retention = this.days('retention', props.retention ?? Duration.days(35));
    const copyRetention = this.days('copyRetention', props.copyRetention ?? retention);
    if (props.vaultLock) this.requireLockFits(retention, props.vaultLock);
    this.vault = props.vault ?? this.newVault(props);
    this.requireOneVault(props);

    const role = backupRole(this, 'Role', {
      policy: 'AWSBackupServiceRolePolicyForBackup',
      database,
      description: 'Takes, copies and deletes backups of the Letta database',
    });
    // AWS Backup deletes old backups by the role that took them: where those stay, it must.
    role.applyRemovalPolicy(props.removalPolicy ?? RemovalPolicy.RETAIN);
    this.role = role;

    const vaults = copyVaults(this, props.copyToVaultArns ?? [], database.encryptionKey);
    this.plan = new backup.BackupPlan(this, 'Plan', {
      backupVault: this.vault,
      backupPlanRules: [
        new backup.BackupPlanRule({
          ruleName: 'LettaDatabase',
          scheduleExpression: schedule,
          deleteAfter: retention,
          copyActions: vaults.map((destinationBackupVault) => ({ destinationBackupVault, deleteAfter: copyRetention })),
        }),
      ],
    });
    const selection = this.plan.addSelection('Database', {
      resources: [database.resource],
      role,
      disableDefaultBackupPolicy: true,
    });
    selection.node.addDependency(role);
    if (props.restoreTest ?? true) {
      new RestoreTest(this, 'RestoreTest', { database, vault: this.vault, schedule: restoreTestSchedule });
    }
  }

  private ownDatabase(database: ILettaDatabase | undefined): BackedUpDatabase {
    const own = backedUpDatabase(database);
    if (own) return own;
    throw new Error(
      `${this.node.path}: database is ${database ? 'one that was imported' : 'not given'}, wanted a LettaDatabase or ` +
        'LettaAuroraDatabase that the app makes, because a plan names the instance or the cluster: give that one, or back an imported database up where it is made',
    );
  }

  private newVault(props: LettaBackupProps): backup.BackupVault {
    const { vaultLock } = props;
    if (vaultLock?.changeableFor) {
      Annotations.of(this).addWarningV2(
        'cdk-letta:LettaBackup.vaultLock',
        `${this.node.path}: vaultLock.changeableFor makes the lock final after ${vaultLock.changeableFor.toHumanString()}: nobody, ` +
          'AWS included, can then take it away, shorten it or delete the backups before their time; leave it out for a lock ' +
          'that administrators can take away',
      );
    }
    return new backup.BackupVault(this, 'Vault', {
      // A vault that stayed keeps its name from the next stack of the same name.
      backupVaultName: uniqueName(this),
      encryptionKey: props.encryptionKey,
      lockConfiguration: vaultLock,
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    });
  }

  private requireOneVault(props: LettaBackupProps): void {
    if (!props.vault) return;
    for (const prop of ['vaultLock', 'encryptionKey', 'removalPolicy'] as const) {
      if (props[prop] === undefined) continue;
      throw new Error(
        `${this.node.path}: vault and ${prop} are both given, wanted one of them, because ${prop} is of the vault that is made: ` +
          `leave ${prop} out`,
      );
    }
  }

  private requireLockFits(retention: Duration, { minRetention, maxRetention }: backup.LockConfiguration): void {
    if ([retention, minRetention, maxRetention].some((each) => each?.isUnresolved())) return;
    const days = retention.toDays();
    const [least, most] = [minRetention.toDays(), maxRetention?.toDays() ?? Infinity];
    if (days >= least && days <= most) return;
    const wanted = most === Infinity ? `at least ${least} days` : `${least} to ${most} days`;
    throw new Error(
      `${this.node.path}: retention is ${days} days, wanted ${wanted}, because a locked vault refuses every other backup: change ` +
        'retention or vaultLock',
    );
  }

  /** A lifecycle of AWS Backup is in whole days. */
  private days(prop: string, value: Duration): Duration {
    requireDuration(this.node.path, prop, value);
    if (value.isUnresolved()) return value;
    const days = value.toDays({ integral: false });
    if (Number.isInteger(days) && days >= 1 && days <= 36500) return value;
    throw new Error(
      `${this.node.path}: ${prop} is ${days} days, wanted a whole number from 1 to 36500 days: change ${prop}`,
    );
  }

  private cron(prop: string, schedule: events.Schedule | undefined): events.Schedule | undefined {
    if (schedule === undefined) return undefined;
    const expression: string | undefined = schedule?.expressionString;
    if (expression?.startsWith('cron(')) return schedule;
    throw new Error(
      `${this.node.path}: ${prop} is ${expression ?? shown(schedule)}, wanted a cron expression, because AWS Backup takes no other: ` +
        'give events.Schedule.cron(…)',
    );
  }
}
