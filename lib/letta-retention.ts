import * as path from 'node:path';
import { Duration, RemovalPolicy, Token, Tokenization } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, IDependable } from 'constructs';
import { RETENTION_ROLE, RetentionVariable } from '../runtime/contract';
import { LettaAuroraDatabase } from './letta-aurora-database';
import { ILettaDatabase, LettaDatabase } from './letta-database';
import { closedSecurityGroup } from './private/closed-security-group';
import { encryptedLogGroup } from './private/encrypted-log-group';
import { isolatedPlacement } from './private/isolated-placement';
import { requireDuration, shown } from './private/kinds';
import { acknowledgeOwnPolicies, acknowledgeStandards, acknowledgeWildcard } from './private/nag';
import { UNSCOPABLE_ACTIONS } from './private/unscopable-actions';

/** Properties of a `LettaRetention`. */
export interface LettaRetentionProps {
  /**
   * The database whose messages are deleted, one that the app makes: a `LettaDatabase`, e.g. `stack.ownDatabase` of a
   * `LettaBedrockStack`, or a `LettaAuroraDatabase`.
   */
  readonly database: ILettaDatabase;

  /** What migrates the database, i.e. the `LettaService`: the role is made after it, because it is granted on Letta's tables. */
  readonly service: IDependable;

  /** How long a message is kept, at least 1 day. Of a token: `Duration.seconds(…)`. */
  readonly messages: Duration;

  /**
   * How long messages must be kept at the least: a law, or a hold on everything that anybody said. Whoever shortens `messages` below it
   * later gets an error instead of a deployment that deletes.
   *
   * @default - nothing is checked
   */
  readonly minimumRetention?: Duration;

  /**
   * Agents on legal hold, by id (`agent-…`): none of their messages is deleted. Callers of the API cannot lift it, as they can a
   * tag.
   *
   * @default - those with `holdTag` alone
   */
  readonly heldAgents?: string[];

  /**
   * Agents with this tag are held too. Whoever may change agents over the API sets it and takes it away.
   *
   * @default 'legal-hold'
   */
  readonly holdTag?: string;

  /**
   * Whether a run only counts what it would delete.
   *
   * @default false
   */
  readonly dryRun?: boolean;

  /**
   * When a run begins. One takes 14 minutes at most; what it doesn't get to, the next one does.
   *
   * @default - every day at 03:00 UTC
   */
  readonly schedule?: events.Schedule;

  /**
   * Subnets of the function.
   *
   * @default - the isolated ones of the database's VPC
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * How long the log is kept, and with it the record of what was deleted.
   *
   * @default logs.RetentionDays.TEN_YEARS
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * Key of the log.
   *
   * @default - the key of CloudWatch Logs
   */
  readonly encryptionKey?: kms.IKey;
}

/**
 * Deletes messages that are older than the policy from Letta's database, on a schedule.
 *
 * What Letta still needs stays: messages in the context window of an agent or of one of its conversations, and all messages of
 * agents on legal hold. The function logs in by IAM as a role of its own, which sees ids and times of messages but not what they
 * say. Its log holds a line for each agent and for each run: cut-off, counts, holds.
 *
 * @throws for a policy below 1 day or below `minimumRetention`, and for an id that is no agent's
 */
export class LettaRetention extends Construct implements ec2.IConnectable {
  readonly connections: ec2.Connections;
  /** The function that deletes; it fails, for `metricErrors()`, when it doesn't reach the database. */
  readonly function: lambda.Function;
  /** Where what was deleted is recorded; it stays when the stack is deleted. */
  readonly logGroup: logs.ILogGroup;

  constructor(scope: Construct, id: string, props: LettaRetentionProps) {
    super(scope, id);
    const database = this.databaseOf(props);
    this.holds(props);
    const seconds = this.seconds(props.messages);
    const environment = {
      [RetentionVariable.HOST]: database.host,
      [RetentionVariable.PORT]: Tokenization.stringifyNumber(database.port),
      [RetentionVariable.NAME]: database.databaseName,
      [RetentionVariable.MAXIMUM_AGE]: Tokenization.stringifyNumber(seconds),
      [RetentionVariable.HELD_AGENTS]: this.agents(props.heldAgents ?? []),
      [RetentionVariable.HOLD_TAG]: this.tag(props.holdTag ?? 'legal-hold'),
      [RetentionVariable.DRY_RUN]: `${props.dryRun ?? false}`,
    };
    const schedule = this.schedule(props.schedule);
    const { vpc } = database instanceof LettaDatabase ? database.instance : database;
    const vpcSubnets = isolatedPlacement(this, vpc, props.vpcSubnets, { zones: 1, reason: '' });
    const securityGroup = closedSecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Retention of Letta messages',
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup] });
    this.connections.allowToDefaultPort(database, 'retention of Letta messages');

    this.logGroup = encryptedLogGroup(this, 'LogGroup', {
      retention: props.logRetention ?? logs.RetentionDays.TEN_YEARS,
      encryptionKey: props.encryptionKey,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const role = this.role();
    this.function = new lambda.Function(this, 'Function', {
      description: 'Deletes old messages from the Letta database',
      runtime: lambda.Runtime.NODEJS_24_X,
      handler: 'index.onSchedule',
      code: lambda.Code.fromAsset(path.join(__dirname, '..', 'runtime', 'functions', 'dist', 'retention')),
      role,
      environment,
      timeout: Duration.minutes(15),
      memorySize: 256,
      logGroup: this.logGroup,
      vpc,
      vpcSubnets,
      securityGroups: [securityGroup],
    });
    this.denyNetworkInterfacesToCode(role);
    database.grantConnect(role, RETENTION_ROLE);
    const databaseRole = database._retentionRole(this, 'DatabaseRole');
    databaseRole.node.addDependency(props.service);

    const rule = new events.Rule(this, 'Schedule', { schedule, description: 'Deletes old messages of Letta' });
    rule.addTarget(new targets.LambdaFunction(this.function, { maxEventAge: Duration.hours(1), retryAttempts: 1 }));
    rule.node.addDependency(databaseRole);
    acknowledgeOwnPolicies(this);
    acknowledgeStandards(
      this.function,
      'LambdaConcurrency',
      'two runs at once delete nothing twice, and a reservation takes from the account',
    );
    acknowledgeStandards(this.function, 'LambdaDLQ', 'a run that failed is made up for by the next one');
  }

  private databaseOf({ database, service }: LettaRetentionProps): LettaDatabase | LettaAuroraDatabase {
    if (!(database instanceof LettaDatabase || database instanceof LettaAuroraDatabase)) {
      throw new Error(
        `${this.node.path}: database is ${database ? 'one that was imported' : 'not given'}, wanted a LettaDatabase or ` +
          'LettaAuroraDatabase that the app makes, because its set-up makes the role: give that one',
      );
    }
    if (!service) {
      throw new Error(
        `${this.node.path}: service is not given, wanted the LettaService of the database, because its migration makes the tables: ` +
          'give it',
      );
    }
    return database;
  }

  private holds({ messages, minimumRetention }: LettaRetentionProps): void {
    if (minimumRetention === undefined) return;
    requireDuration(this.node.path, 'messages', messages);
    requireDuration(this.node.path, 'minimumRetention', minimumRetention);
    if (messages.isUnresolved() || minimumRetention.isUnresolved()) {
      throw new Error(
        `${this.node.path}: minimumRetention or messages is a token, wanted both known at synth, because they are compared there: ` +
          'give both as numbers, or leave minimumRetention out',
      );
    }
    if (messages.toSeconds({ integral: false }) >= minimumRetention.toSeconds({ integral: false })) return;
    throw new Error(
      `${this.node.path}: messages is ${messages.toHumanString()}, wanted at least the ${minimumRetention.toHumanString()} of ` +
        'minimumRetention, because messages would be deleted that must be kept: raise messages, or lower minimumRetention if it no longer holds',
    );
  }

  private seconds(messages: Duration): number {
    requireDuration(this.node.path, 'messages', messages);
    if (messages.isUnresolved()) return messages.toSeconds();
    const days = messages.toDays({ integral: false });
    const seconds = messages.toSeconds({ integral: false });
    if (days >= 1 && days <= 36500 && Number.isInteger(seconds)) return seconds;
    throw new Error(
      `${this.node.path}: messages is ${days} days, wanted 1 to 36500 days in whole seconds, because conversations of the day still go on: ` +
        'change messages',
    );
  }

  private agents(ids: string[]): string {
    if (Token.isUnresolved(ids)) return ids.join(',');
    if (!Array.isArray(ids)) {
      throw new Error(`${this.node.path}: heldAgents is ${shown(ids)}, wanted a list of ids: give it in brackets`);
    }
    for (const id of ids) {
      if (Token.isUnresolved(id) || /^agent-[\w-]+$/.test(id)) continue;
      throw new Error(
        `${this.node.path}: heldAgents has ${shown(id)}, wanted an agent's id such as agent-01234567-89ab-cdef-0123-456789abcdef: ` +
          'a name holds nobody',
      );
    }
    const text = ids.join(',');
    // Lambda takes 4 KB of variables in all.
    if (!Token.isUnresolved(text) && text.length > 3000) {
      throw new Error(
        `${this.node.path}: heldAgents has ${ids.length} ids, wanted at most about 70, because a function's variables hold no more: ` +
          'hold the others by `holdTag`',
      );
    }
    return text;
  }

  private tag(tag: string): string {
    if (typeof tag === 'string' && tag !== '') return tag;
    throw new Error(`${this.node.path}: holdTag is ${shown(tag)}, wanted a tag of agents: give one, or leave it out`);
  }

  private schedule(schedule: events.Schedule | undefined): events.Schedule {
    if (schedule === undefined) return events.Schedule.cron({ hour: '3', minute: '0' });
    if (typeof schedule?.expressionString === 'string') return schedule;
    throw new Error(
      `${this.node.path}: schedule is ${shown(schedule)}, wanted an events.Schedule: give events.Schedule.cron(…)`,
    );
  }

  private role(): iam.Role {
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: 'Runs the retention of Letta messages',
    });
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logGroup.logGroupArn],
      }),
    );
    role.addToPolicy(
      new iam.PolicyStatement({ actions: [...UNSCOPABLE_ACTIONS.LAMBDA_NETWORK_INTERFACES], resources: ['*'] }),
    );
    acknowledgeWildcard(
      role,
      '*',
      'Lambda makes no function in a VPC unless its role has these actions on every network interface',
    );
    return role;
  }

  /** As for the set-up's function: Lambda needs these actions, the function's code does not. */
  private denyNetworkInterfacesToCode(role: iam.Role): void {
    new iam.Policy(this, 'CodePolicy', {
      roles: [role],
      statements: [
        new iam.PolicyStatement({
          effect: iam.Effect.DENY,
          actions: [...UNSCOPABLE_ACTIONS.LAMBDA_NETWORK_INTERFACES],
          resources: ['*'],
          conditions: { ArnEquals: { 'lambda:SourceFunctionArn': this.function.functionArn } },
        }),
      ],
    });
  }
}
