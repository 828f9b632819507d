import { Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { LettaDatabaseProps } from '../letta-database-props';
import { has, shown } from './kinds';

/** Parameters that are decided here, and by what. */
const DECIDED: readonly [name: RegExp, reason: string][] = [
  [/^(log_.*|auto_explain\..*|pgaudit\..*)$/i, 'statements carry messages and memories, and stay out of the log'],
  [/^(ssl.*|rds\.force_ssl)$/i, 'every connection is TLS 1.2 or later'],
  [/^rds\.restrict_password_commands$/i, 'roles log in by IAM alone'],
  [/^max_connections$/i, '`maxConnections` decides it'],
  [/^work_mem$/i, '`workMemory` decides it'],
  [/^maintenance_work_mem$/i, '`maintenanceMemory` decides it'],
];

/**
 * PostgreSQL's parameters for Letta.
 *
 * @param memory of the instance class in bytes; undefined when it isn't known: then PostgreSQL's and RDS's own defaults stand
 * @throws for memory that the class hasn't, and for a parameter that is decided already
 */
export function databaseParameters(
  scope: Construct,
  props: Pick<LettaDatabaseProps, 'workMemory' | 'maintenanceMemory' | 'parameters'>,
  maxConnections: number,
  memory?: number,
): Record<string, string> {
  const workMemory = kibibytes(scope, 'workMemory', props.workMemory, 64, memory && memory / 16) ?? ofWork(memory);
  const maintenanceMemory =
    kibibytes(scope, 'maintenanceMemory', props.maintenanceMemory, 1024, memory && memory / 4) ?? ofMaintenance(memory);
  const parameters = {
    'rds.force_ssl': '1',
    // A role that logs in by token could otherwise give itself a password, and log in by that without IAM.
    'rds.restrict_password_commands': '1',
    max_connections: `${maxConnections}`,
    ...(workMemory !== undefined && { work_mem: `${workMemory}` }),
    ...(maintenanceMemory !== undefined && { maintenance_work_mem: `${maintenanceMemory}` }),
    ssl_min_protocol_version: 'TLSv1.2',
    log_connections: '1',
    log_disconnections: '1',
    // Statements carry people's messages and memories: an error is logged without the statement that met it.
    log_statement: 'none',
    log_min_error_statement: 'panic',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    idle_in_transaction_session_timeout: '300000',
  };
  for (const [name, value] of Object.entries(props.parameters ?? {})) requireFree(scope, name, value);
  return { ...parameters, ...props.parameters };
}

function requireFree(scope: Construct, name: string, value: string): void {
  const decided = DECIDED.find(([pattern]) => pattern.test(name));
  if (!decided) return;
  throw new Error(
    `LettaDatabase ${scope.node.path}: \`parameters\` has '${name}' = '${value}', wanted a parameter that is not decided already ` +
      `(${decided[1]}); leave '${name}' out`,
  );
}

const KIB = 1024;
const MIB_IN_KIB = 1024;

/**
 * A sort or a hash of one query may take this much, and a query has several: a 512th leaves room for some hundred at once. The
 * column of embeddings is no part of it, since Postgres stores vectors of 4,096 dimensions beside their rows.
 */
function ofWork(memory?: number): number | undefined {
  return memory === undefined ? undefined : bounded(memory / KIB / 512, 4, 64);
}

/** `VACUUM` and building an index; autovacuum has three workers, which may take it each. */
function ofMaintenance(memory?: number): number | undefined {
  return memory === undefined ? undefined : bounded(memory / KIB / 16, 64, 2048);
}

/** KiB, between bounds in MiB. */
function bounded(kibibytes: number, fromMiB: number, toMiB: number): number {
  return Math.min(Math.max(Math.floor(kibibytes), fromMiB * MIB_IN_KIB), toMiB * MIB_IN_KIB);
}

function kibibytes(
  scope: Construct,
  prop: string,
  given: Size | undefined,
  least: number,
  mostBytes: number | undefined,
): number | undefined {
  if (given !== undefined && !has(given, 'toKibibytes')) {
    throw new Error(
      `LettaDatabase ${scope.node.path}: \`${prop}\` is ${shown(given)}, wanted a Size: give for example Size.mebibytes(64)`,
    );
  }
  if (given === undefined || given.isUnresolved()) return given?.toKibibytes({ rounding: SizeRoundingBehavior.NONE });
  const value = given.toKibibytes({ rounding: SizeRoundingBehavior.FLOOR });
  const most = mostBytes === undefined ? Infinity : Math.floor(mostBytes / KIB);
  if (value >= least && value <= most) return value;
  const wanted = most === Infinity ? `at least ${least} KiB` : `${least} to ${most} KiB for this instance type`;
  throw new Error(
    `LettaDatabase ${scope.node.path}: \`${prop}\` is ${value} KiB, wanted ${wanted}; give one in that range, a larger ` +
      `\`instanceType\`, or leave \`${prop}\` out for the default`,
  );
}
