import { CfnResource, Reference, Stack, Token, Tokenization } from 'aws-cdk-lib';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { ILettaDatabase } from '../letta-database';
import { warnOfPause } from './auto-pause';
import { MAX_HEALTHY_PERCENT } from './validation';

/**
 * Connections that no task can have: `superuser_reserved_connections` is 3 (PostgreSQL documentation, "Connections and
 * Authentication") and `rds.rds_superuser_reserved_connections` 2 (RDS User Guide, "RDS for PostgreSQL DB instance
 * parameters"), of 2026-11.
 */
export const RESERVED_FOR_SUPERUSERS = 5;

/** Numbers that decide how many connections the tasks of one service may open. */
export interface ConnectionShare {
  readonly desiredCount: number;
  readonly uvicornWorkers: number;
  readonly pgPoolSize: number;
  readonly pgMaxOverflow: number;
  /** Connections kept free for everybody else. */
  readonly reserve: number;
}

interface Member extends ConnectionShare {
  readonly path: string;
  readonly service: ecs.FargateService;
}

const MEMBERS = new WeakMap<ILettaDatabase, Member[]>();

/** What one service's tasks may open at the peak of a deployment must fit the database. Tokens and an unknown limit pass. */
export function requireConnections(path: string, share: ConnectionShare, maxConnections?: number): void {
  const fault = overdrawn(path, share, share.desiredCount, maxConnections);
  if (fault) throw new Error(fault);
}

/**
 * Checks it once more at synth, when autoscaling and the other services on the same database are known. A database that
 * two apps import, or one app twice, counts for each import alone.
 */
export function watchConnections(
  scope: Construct,
  share: ConnectionShare,
  service: ecs.FargateService,
  database: ILettaDatabase,
): void {
  warnOfPause(scope, database, share.desiredCount);
  const members = MEMBERS.get(database) ?? [];
  MEMBERS.set(database, members);
  const member: Member = { ...share, path: scope.node.path, service };
  members.push(member);
  scope.node.addValidation({
    validate: () => {
      const alone = overdrawn(member.path, member, mostTasks(member), database.maxConnections);
      if (alone) return [alone];
      // Said once, by the first of them.
      const together = members[0] === member ? overdrawnTogether(members, database) : undefined;
      return together ? [together] : [];
    },
  });
}

function overdrawn(
  path: string,
  share: ConnectionShare,
  mostTasks: number,
  maxConnections?: number,
): string | undefined {
  const { desiredCount, uvicornWorkers, pgPoolSize, pgMaxOverflow, reserve } = share;
  if (!known(maxConnections, mostTasks, desiredCount, uvicornWorkers, pgPoolSize, pgMaxOverflow, reserve))
    return undefined;
  const peak = connections(share, mostTasks) + reserve;
  if (peak <= maxConnections!) return undefined;
  const scaled = mostTasks > desiredCount ? `, for the ${mostTasks} of autoscaling's maxCapacity,` : '';
  return (
    `${path}: the tasks may open ${peak} database connections (${whileRolling(mostTasks)} tasks while a deployment ` +
    `rolls${scaled} × ${uvicornWorkers} uvicornWorkers × (${pgPoolSize} pgPoolSize + ${pgMaxOverflow} pgMaxOverflow) + ` +
    `${reserve} databaseConnectionReserve), wanted at most the database's ${maxConnections}: lower one of them or use a ` +
    'larger database instance'
  );
}

function overdrawnTogether(members: Member[], database: ILettaDatabase): string | undefined {
  const { maxConnections } = database;
  const shares = members.map((member) => ({ ...member, tasks: mostTasks(member) }));
  const numbers = shares.flatMap((each) => [
    each.tasks,
    each.uvicornWorkers,
    each.pgPoolSize,
    each.pgMaxOverflow,
    each.reserve,
  ]);
  if (members.length < 2 || !known(maxConnections, ...numbers)) return undefined;
  const parts = shares.map((each) => ({ path: each.path, count: connections(each, each.tasks) }));
  const reserve = Math.max(...shares.map((each) => each.reserve));
  const peak = parts.reduce((sum, { count }) => sum + count, reserve);
  if (peak <= maxConnections!) return undefined;
  return (
    `${database.node.path}: the services on this database may open ${peak} connections while their deployments roll (` +
    `${parts.map(({ path, count }) => `${count} ${path}`).join(' + ')} + ${reserve} databaseConnectionReserve), wanted at ` +
    `most the database's ${maxConnections}: lower desiredCount, autoscaling's maxCapacity, uvicornWorkers, pgPoolSize or ` +
    'pgMaxOverflow of one of them, or use a larger database instance'
  );
}

function connections({ uvicornWorkers, pgPoolSize, pgMaxOverflow }: ConnectionShare, mostTasks: number): number {
  return whileRolling(mostTasks) * uvicornWorkers * (pgPoolSize + pgMaxOverflow);
}

/** The old tasks and the new ones run beside each other. */
function whileRolling(tasks: number): number {
  return Math.ceil((tasks * MAX_HEALTHY_PERCENT) / 100);
}

function known(...values: (number | undefined)[]): boolean {
  return values.every((value) => value !== undefined && !Token.isUnresolved(value));
}

/** What is in the template, or what any scaling of the service in this app may raise it to. */
function mostTasks({ service, desiredCount }: Member): number {
  const capacities = service.node.root.node
    .findAll()
    .filter((each) => isScalingOf(service, each))
    .flatMap((each) => capacitiesOf(each as appscaling.CfnScalableTarget));
  return Math.max(desiredCount, ...capacities);
}

function isScalingOf(service: ecs.FargateService, construct: unknown): boolean {
  if (!CfnResource.isCfnResource(construct)) return false;
  if (construct.cfnResourceType !== appscaling.CfnScalableTarget.CFN_RESOURCE_TYPE_NAME) return false;
  const { resourceId } = construct as appscaling.CfnScalableTarget;
  return Tokenization.reverseString(resourceId).tokens.some(
    (token) => Reference.isReference(token) && token.target === service.node.defaultChild,
  );
}

interface ScheduledAction {
  readonly scalableTargetAction?: { readonly maxCapacity?: unknown };
}

/** Its own and those of its schedules. What only the deployment knows is left out. */
function capacitiesOf(target: appscaling.CfnScalableTarget): number[] {
  const { maxCapacity, scheduledActions } = Stack.of(target).resolve({
    maxCapacity: target.maxCapacity,
    scheduledActions: target.scheduledActions,
  });
  const scheduled = ((scheduledActions ?? []) as ScheduledAction[]).map(
    ({ scalableTargetAction }) => scalableTargetAction?.maxCapacity,
  );
  return [maxCapacity, ...scheduled].filter((value): value is number => typeof value === 'number');
}
