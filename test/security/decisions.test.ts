import { appendFileSync } from 'node:fs';
import { decide } from './access';
import { executionRole, migrationRole } from './decisions/container-roles';
import { defaultTaskRole } from './decisions/default-task-role';
import { endpoints } from './decisions/endpoints';
import { enterpriseTaskRole } from './decisions/enterprise-task-role';
import { functionRoles } from './decisions/function-roles';
import { Names, Path } from './decisions/names';
import { resourcePolicies } from './decisions/resource-policies';
import { stolenCredentials } from './decisions/stolen-credentials';
import { questions, type Row } from './decisions/table';
import { defaultDeployment, enterpriseDeployment } from './deployments';

const standard = new Names(defaultDeployment());
const enterprise = new Names(enterpriseDeployment());
let decisions = 0;

const DEFAULT_MODELS = {
  profiles: [
    standard.profile('us.anthropic.claude-sonnet-4-5-20250929-v1:0'),
    standard.profile('us.anthropic.claude-haiku-4-5-20251001-v1:0'),
  ],
  embedding: standard.model('amazon.titan-embed-text-v2:0'),
};
const ENTERPRISE_MODELS = {
  profiles: [
    enterprise.profile('eu.anthropic.claude-sonnet-4-6'),
    enterprise.profile('global.anthropic.claude-haiku-4-5-20251001-v1:0'),
  ],
  embedding: enterprise.model('cohere.embed-v4:0'),
  guardrail: enterprise.deployment.arn('bedrock', 'guardrail/gr4ab2'),
};

const containers = (names: Names): Record<string, Row[]> => ({
  'the execution role': executionRole(names, Path.EXECUTION, 'Service/Task/Logs', 'Service/Migration/Task/Logs'),
  'the execution role of the migration': executionRole(
    names,
    Path.MIGRATION_EXECUTION,
    'Service/Migration/Task/Logs',
    'Service/Task/Logs',
  ),
  'the migration': migrationRole(names),
  'functions of the deployment': functionRoles(names),
  'policies of resources': resourcePolicies(names),
});

describe.each<[string, Names, Record<string, Row[]>]>([
  [
    'the default stack',
    standard,
    {
      'the task': defaultTaskRole(standard),
      ...containers(standard),
      'endpoints, for administrators': endpoints(standard, DEFAULT_MODELS),
      'stolen credentials': stolenCredentials(standard, DEFAULT_MODELS),
    },
  ],
  [
    'the enterprise stack',
    enterprise,
    {
      'the task': enterpriseTaskRole(enterprise),
      ...containers(enterprise),
      'endpoints, for administrators': endpoints(enterprise, ENTERPRISE_MODELS),
      'stolen credentials': stolenCredentials(enterprise, ENTERPRISE_MODELS),
    },
  ],
])('in %s', (_, { deployment }, tables) => {
  describe.each(Object.entries(tables))('%s', (_name, rows) => {
    test.each(rows.map((row) => [row.expected, row.what, row] as const))('%s: %s', async (expected, _what, row) => {
      const asked = questions(row);
      expect(asked).not.toHaveLength(0);
      for (const question of asked) {
        const { action, resource } = question;
        expect({ action, resource, verdict: await decide(deployment, question) }).toEqual({
          action,
          resource,
          verdict: expected,
        });
        decisions += 1;
      }
    });
  });
});

afterAll(() => {
  if (process.env.GATE_FIGURES) appendFileSync(process.env.GATE_FIGURES, `decisions ${decisions}\n`);
});
