import { executionRole, migrationRole } from './container-roles';
import { defaultTaskRole } from './default-task-role';
import { endpoints } from './endpoints';
import { enterpriseTaskRole } from './enterprise-task-role';
import { functionRoles } from './function-roles';
import { Names, Path } from './names';
import { resourcePolicies } from './resource-policies';
import { stolenCredentials } from './stolen-credentials';
import type { Row } from './table';

/** Every table of the default stack, by whom it is about. */
export function defaultTables(names: Names): Record<string, Row[]> {
  const declared = {
    profiles: [
      names.profile('us.anthropic.claude-sonnet-4-5-20250929-v1:0'),
      names.profile('us.anthropic.claude-haiku-4-5-20251001-v1:0'),
    ],
    embedding: names.model('amazon.titan-embed-text-v2:0'),
  };
  return {
    'the task': defaultTaskRole(names),
    ...everyStack(names),
    'endpoints, for administrators': endpoints(names, declared),
    'stolen credentials': stolenCredentials(names, declared),
  };
}

/** Every table of the enterprise stack, by whom it is about. */
export function enterpriseTables(names: Names): Record<string, Row[]> {
  const declared = {
    profiles: [
      names.profile('eu.anthropic.claude-sonnet-4-6'),
      names.profile('global.anthropic.claude-haiku-4-5-20251001-v1:0'),
    ],
    embedding: names.model('cohere.embed-multilingual-v3'),
    guardrail: names.deployment.arn('bedrock', 'guardrail/gr4ab2'),
  };
  return {
    'the task': enterpriseTaskRole(names),
    ...everyStack(names),
    'endpoints, for administrators': endpoints(names, declared),
    'stolen credentials': stolenCredentials(names, declared),
  };
}

function everyStack(names: Names): Record<string, Row[]> {
  const [server, migration] = ['Service/Task/Logs', 'Service/Migration/Task/Logs'];
  return {
    'the execution role': executionRole(names, Path.EXECUTION, server, migration),
    'the execution role of the migration': executionRole(names, Path.MIGRATION_EXECUTION, migration, server),
    'the migration': migrationRole(names),
    'functions of the deployment': functionRoles(names),
    'policies of resources': resourcePolicies(names),
  };
}
