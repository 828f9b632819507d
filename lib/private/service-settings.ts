import { Annotations, Duration } from 'aws-cdk-lib';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { validateKinds } from './kinds';
import { GatewayMaximum } from '../../runtime/contract';
import { LettaServiceProps } from '../letta-service';
import { RESERVED_FOR_SUPERUSERS, requireConnections } from './connection-budget';
import { validateAddress } from './service-address';
import {
  validateCorsOrigins,
  validateKnown,
  validateSeconds,
  validateTaskSize,
  validateWholeNumber,
} from './validation';

/** The numbers of a service. */
export interface ServiceSettings {
  readonly cpu: number;
  readonly memoryLimitMiB: number;
  readonly desiredCount: number;
  readonly uvicornWorkers: number;
  readonly uvicornKeepAlive: Duration;
  readonly pgPoolSize: number;
  readonly pgMaxOverflow: number;
  readonly pgPoolTimeout: Duration;
  readonly pgPoolRecycle: Duration;
  /** Database connections kept free for everybody else. */
  readonly reserve: number;
  readonly idleTimeout: Duration;
  readonly deregistrationDelay: Duration;
  readonly maxConcurrentTurns: number;
  /** Snapshots from before migrations that are kept. */
  readonly migrationSnapshots: number;
  /** Whether the load balancer speaks TLS to the tasks. */
  readonly targetTls: boolean;
}

/** One worker manages 6 to 7 turns a second (docs/benchmarks.md): this many are in flight at ten seconds a turn. */
const TURNS_PER_WORKER = 64;

/** Connections that one task may open to the database. */
export function databaseConnections({
  uvicornWorkers,
  pgPoolSize,
  pgMaxOverflow,
}: Pick<ServiceSettings, 'uvicornWorkers' | 'pgPoolSize' | 'pgMaxOverflow'>): number {
  return uvicornWorkers * (pgPoolSize + pgMaxOverflow);
}

/** What was chosen, and the defaults of what was not; fails on what could not run. */
export function serviceSettings(scope: Construct, props: LettaServiceProps): ServiceSettings {
  const path = scope.node.path;
  if (props.certificate && props.http) {
    throw new Error(`${path}: certificate and http are both given, wanted one of them: leave http out to serve HTTPS`);
  }
  if (!props.certificate && !props.http) {
    throw new Error(
      `${path}: neither certificate nor http is given, wanted a certificate for the load balancer: give one, or ` +
        'http: true to serve the API unencrypted',
    );
  }
  if (props.http) {
    Annotations.of(scope).addWarningV2(
      'cdk-letta:LettaService.http',
      `${path} serves plain HTTP: the API password and every message cross the network unencrypted; give a certificate`,
    );
  }
  validateKinds(path, props);
  validateAddress(scope, props);
  const idleTimeout = props.idleTimeout ?? Duration.minutes(10);
  const settings: ServiceSettings = {
    cpu: props.cpu ?? 1024,
    memoryLimitMiB: props.memoryLimitMiB ?? 2048,
    desiredCount: props.desiredCount ?? 2,
    uvicornWorkers: props.uvicornWorkers ?? 1,
    uvicornKeepAlive: props.uvicornKeepAlive ?? idleTimeout.plus(Duration.minutes(1)),
    pgPoolSize: props.pgPoolSize ?? 25,
    pgMaxOverflow: props.pgMaxOverflow ?? 10,
    pgPoolTimeout: props.pgPoolTimeout ?? Duration.seconds(30),
    pgPoolRecycle: props.pgPoolRecycle ?? Duration.minutes(30),
    reserve: props.databaseConnectionReserve ?? 20,
    idleTimeout,
    maxConcurrentTurns: props.maxConcurrentTurns ?? (props.uvicornWorkers ?? 1) * TURNS_PER_WORKER,
    migrationSnapshots: migrationSnapshots(path, props),
    targetTls: props.targetProtocol === elbv2.ApplicationProtocol.HTTPS,
    deregistrationDelay: props.deregistrationDelay ?? Duration.seconds(Math.min(idleTimeout.toSeconds(), 3600)),
  };
  for (const prop of ['uvicornWorkers', 'pgPoolSize', 'pgMaxOverflow'] as const) {
    validateKnown(path, prop, settings[prop], 'the database connections of a task are reckoned from it');
  }
  validateWholeNumber(path, 'desiredCount', settings.desiredCount, 0);
  validateWholeNumber(path, 'uvicornWorkers', settings.uvicornWorkers, 1);
  validateWholeNumber(path, 'pgPoolSize', settings.pgPoolSize, 1);
  validateWholeNumber(path, 'pgMaxOverflow', settings.pgMaxOverflow, 0);
  validateWholeNumber(path, 'databaseConnectionReserve', settings.reserve, RESERVED_FOR_SUPERUSERS);
  validateWholeNumber(path, 'maxConcurrentTurns', settings.maxConcurrentTurns, 1, GatewayMaximum.CONCURRENT_TURNS);
  validateWholeNumber(
    path,
    'uvicornWorkers × (pgPoolSize + pgMaxOverflow)',
    databaseConnections(settings),
    1,
    GatewayMaximum.DATABASE_CONNECTIONS,
  );
  if (props.administratorPassword && props.administratorPassword.secretArn === props.apiPassword?.secretArn) {
    throw new Error(
      `${path}: administratorPassword and apiPassword are the same secret, wanted two: with one, everybody is an ` +
        'administrator; give another secret',
    );
  }
  validateTaskSize(path, settings.cpu, settings.memoryLimitMiB, settings.uvicornWorkers);
  requireConnections(path, settings, props.database.maxConnections);
  validateSeconds(
    path,
    'idleTimeout',
    idleTimeout,
    600,
    4000,
    'turns last minutes and a load balancer waits no longer',
  );
  validateSeconds(
    path,
    'uvicornKeepAlive',
    settings.uvicornKeepAlive,
    1,
    86400,
    'else connections break under requests',
  );
  validateSeconds(path, 'deregistrationDelay', settings.deregistrationDelay, 0, 3600, "a load balancer's own limits");
  validateCorsOrigins(path, props.corsOrigins ?? []);
  return settings;
}

function migrationSnapshots(path: string, { migrationSnapshots: count, database }: LettaServiceProps): number {
  const known = (database.instanceIdentifier ?? database.clusterIdentifier) !== undefined;
  if (count === undefined) return known ? 3 : 0;
  // RDS keeps 100 manual snapshots of an account's instances unless its quota was raised.
  validateWholeNumber(path, 'migrationSnapshots', count, 0, 100);
  if (count === 0 || known) return count;
  throw new Error(
    `${path}: migrationSnapshots is ${count}, but the database does not say its instanceIdentifier, wanted to know of what to take ` +
      'snapshots: give instanceIdentifier to fromLettaDatabaseAttributes, or leave migrationSnapshots out',
  );
}
