import { Duration, Stack, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import { IConstruct } from 'constructs';
import { ContainerName, GatewayVariable } from '../../runtime/contract';
import { TurnScalingProps } from '../turn-scaling';
import { requireDuration, shown } from './kinds';
import { acknowledgeWildcard } from './nag';
import { ServiceSettings } from './service-settings';
import { validateKnown, validateSeconds, validateWholeNumber } from './validation';

/** The longest that a load balancer drains a target, in seconds. */
const LONGEST_DRAIN = 3600;

/** What is scaled, and by what. */
export interface ScaledService {
  readonly scope: IConstruct;
  readonly service: ecs.FargateService;
  readonly settings: Pick<
    ServiceSettings,
    'desiredCount' | 'maxConcurrentTurns' | 'idleTimeout' | 'deregistrationDelay'
  >;
  /** Whether the task role is one that this library made. */
  readonly ownRole: boolean;
}

/** Target tracking on turns in flight for each task; a task with long work is not chosen to go. */
export function scaleOnTurns(
  scaled: ScaledService,
  turnsInFlight: cloudwatch.IMetric,
  props: TurnScalingProps,
): ecs.ScalableTaskCount {
  const { scope, service, settings } = scaled;
  const { path } = scope.node;
  validateProps(path, props);
  const minCapacity = props.minCapacity ?? settings.desiredCount;
  const turnsPerTask = props.turnsPerTask ?? halfOf(path, settings.maxConcurrentTurns);
  const scaleOutCooldown = props.scaleOutCooldown ?? Duration.minutes(2);
  const scaleInCooldown = props.scaleInCooldown ?? drainOf(settings.deregistrationDelay);
  validateWholeNumber(path, 'minCapacity', minCapacity, 1);
  validateWholeNumber(path, 'maxCapacity', props.maxCapacity, 1);
  validateOrder(path, minCapacity, props.maxCapacity);
  validateTurns(path, turnsPerTask, settings.maxConcurrentTurns);
  for (const [name, value] of Object.entries({ scaleOutCooldown, scaleInCooldown })) {
    validateSeconds(path, name, value, 0, 86400, 'more than a day is a slip');
  }
  validateDrain(path, settings);

  // In the template it would put the service back to it with each deployment.
  (service.node.defaultChild as ecs.CfnService).desiredCount = undefined;
  protectLongWork(scaled);
  const scaling = service.autoScaleTaskCount({ minCapacity, maxCapacity: props.maxCapacity });
  scaling.scaleToTrackCustomMetric('TurnsInFlight', {
    metric: turnsInFlight,
    targetValue: turnsPerTask,
    scaleInCooldown,
    scaleOutCooldown,
  });
  return scaling;
}

/** The gateway asks the ECS agent, which calls ECS with the task's role, but not through the task's network. */
function protectLongWork({ scope, service, ownRole }: ScaledService): void {
  const { taskDefinition, cluster } = service;
  taskDefinition.findContainer(ContainerName.GATEWAY)!.addEnvironment(GatewayVariable.TASK_PROTECTION, 'true');
  const tasks = Stack.of(scope).formatArn({
    service: 'ecs',
    resource: 'task',
    resourceName: `${cluster.clusterName}/*`,
  });
  iam.Grant.addToPrincipal({
    grantee: taskDefinition.taskRole,
    actions: ['ecs:UpdateTaskProtection'],
    resourceArns: [tasks],
  });
  if (ownRole) {
    acknowledgeWildcard(
      taskDefinition.taskRole,
      tasks,
      'a task protects itself, and its id is known when it runs; the cluster is named',
    );
  }
}

function halfOf(path: string, maxConcurrentTurns: number): number {
  validateKnown(path, 'maxConcurrentTurns', maxConcurrentTurns, 'turnsPerTask is half of it unless it is given');
  return maxConcurrentTurns / 2;
}

function drainOf(deregistrationDelay: Duration): Duration {
  const least = Duration.minutes(5);
  if (deregistrationDelay.isUnresolved()) return least;
  return deregistrationDelay.toSeconds() > least.toSeconds() ? deregistrationDelay : least;
}

/** What TypeScript refuses and JavaScript lets through. */
function validateProps(path: string, props: TurnScalingProps): void {
  if (typeof props !== 'object' || props === null) {
    throw new Error(`${path}: scaleOnTurns got ${shown(props)}, wanted properties: give at least { maxCapacity: … }`);
  }
  const { turnsPerTask, scaleOutCooldown, scaleInCooldown } = props;
  if (turnsPerTask !== undefined && typeof turnsPerTask !== 'number') {
    throw new Error(`${path}: turnsPerTask is ${shown(turnsPerTask)}, wanted a number: change turnsPerTask`);
  }
  for (const [name, value] of Object.entries({ scaleOutCooldown, scaleInCooldown })) {
    if (value !== undefined) requireDuration(path, name, value);
  }
}

function validateOrder(path: string, minCapacity: number, maxCapacity: number): void {
  if (Token.isUnresolved(minCapacity) || Token.isUnresolved(maxCapacity) || minCapacity <= maxCapacity) return;
  throw new Error(
    `${path}: minCapacity is ${minCapacity} and maxCapacity ${maxCapacity}, wanted at most as many: raise maxCapacity, or ` +
      'give a minCapacity, which is desiredCount otherwise',
  );
}

function validateTurns(path: string, turnsPerTask: number, maxConcurrentTurns: number): void {
  if (Token.isUnresolved(turnsPerTask) || Token.isUnresolved(maxConcurrentTurns)) return;
  if (turnsPerTask > 0 && turnsPerTask < maxConcurrentTurns) return;
  throw new Error(
    `${path}: turnsPerTask is ${turnsPerTask}, wanted more than 0 and less than maxConcurrentTurns, ${maxConcurrentTurns}: a ` +
      'task never has more, so that it would never scale out; lower turnsPerTask or raise maxConcurrentTurns',
  );
}

/** Scaling in happens at any time of a turn, and the load balancer cuts what takes longer than its drain. */
function validateDrain(
  path: string,
  { deregistrationDelay, idleTimeout }: Pick<ServiceSettings, 'deregistrationDelay' | 'idleTimeout'>,
): void {
  if (deregistrationDelay.isUnresolved() || idleTimeout.isUnresolved()) return;
  const wanted = Math.min(idleTimeout.toSeconds(), LONGEST_DRAIN);
  const got = deregistrationDelay.toSeconds();
  if (got >= wanted) return;
  throw new Error(
    `${path}: deregistrationDelay is ${got} s and idleTimeout ${idleTimeout.toSeconds()} s, wanted a deregistrationDelay of at ` +
      `least ${wanted} s with scaleOnTurns: a turn may be silent for that long, and scaling in would cut it; raise ` +
      'deregistrationDelay or leave it out',
  );
}
