import { UNSCOPABLE_ACTIONS } from '../private/unscopable-actions';
import { LettaParts } from './letta-parts';
import { Fault, fault, faults, Rule } from './rule';
import {
  allowsAny,
  covers,
  isEverybody,
  isPartlyKnown,
  isSecret,
  Statement,
  statementsIn,
  statementsOf,
  taskRoles,
} from './statements';
import { isUnknown, keysIn, list, Resource, text } from './template';

const AREA = 'Roles';

/**
 * Actions that no resource narrows, as patterns: this library's own list and what else roles of an app may need.
 * Source: "Actions, resources, and condition keys", Service Authorization Reference, read for 2026-09.
 */
const UNSCOPABLE = [
  ...Object.values(UNSCOPABLE_ACTIONS).flat().map(String),
  'ecr:GetAuthorizationToken',
  'sts:GetCallerIdentity',
  'cloudwatch:PutMetricData',
  'xray:Put*',
  'xray:GetSampling*',
  'ssmmessages:*',
  'ec2:Describe*',
  'logs:DescribeLogGroups',
  'logs:*LogDelivery',
  'logs:*ResourcePolic*',
  'secretsmanager:GetRandomPassword',
];

/** Conditions that say who calls and from where; the others are about what is called. */
const CALLER_CONDITION =
  /^aws:(source|principal|via|calledvia|securetransport|requestedregion|useragent|current|token|mfa)/;

/** What an execution role is for: fetching images, secrets and parameters, and writing logs. */
const EXECUTION_SERVICES = ['ecr', 'ecr-public', 'logs', 'secretsmanager', 'ssm', 'kms', 's3'];

function roles(parts: LettaParts): Resource[] {
  return parts.ofType('AWS::IAM::Role');
}

function inStatements(
  parts: LettaParts,
  of: Resource[],
  what: (statement: Statement, role: Resource) => string | undefined | false,
): Fault[] {
  // One policy may serve several roles.
  const found = new Map<string, Fault>();
  for (const role of of) {
    for (const statement of statementsOf(parts, role)) {
      const what_ = statement.allows && what(statement, role);
      if (what_)
        found.set(
          `${statement.resource.key} ${statement.location} ${what_}`,
          fault(statement.resource, statement.location, what_),
        );
    }
  }
  return [...found.values()];
}

/** Secrets that the containers of a task name by their ARN, which the gateway reads by the task role. */
function namedSecrets(parts: LettaParts, role: Resource): string[] {
  return parts.containers
    .filter(({ task }) => keysIn(task.properties.TaskRoleArn).includes(role.key))
    .flatMap(({ environment }) => Object.entries(environment))
    .filter(([name]) => /_SECRET_ARN$/.test(name))
    .map(([, value]) => text(value));
}

function otherSecret(parts: LettaParts, statement: Statement, role: Resource): string | undefined {
  if (!allowsAny(statement, ['secretsmanager:GetSecretValue'])) return undefined;
  const named = namedSecrets(parts, role);
  const other = statement.resources.find((resource) => !named.some((secret) => isSecret(parts, resource, secret)));
  return other && `reads ${other}`;
}

/** Task roles that may do what the app says and nothing else: only of these can be told what they may not. */
function whollyKnown(parts: LettaParts): Resource[] {
  return taskRoles(parts, 'TaskRoleArn').filter((role) => !isPartlyKnown(parts, role));
}

function trusted(role: Resource): Fault[] {
  return statementsIn(role, 'AssumeRolePolicyDocument', role.properties.AssumeRolePolicyDocument).flatMap(
    (statement) => {
      const everybody = statement.allows && isEverybody(statement.principal) && statement.conditions.length === 0;
      return everybody ? [fault(role, statement.location, 'every principal may assume it')] : [];
    },
  );
}

/** What roles of tasks and functions may do. */
export const ROLE_RULES: Rule[] = [
  {
    id: 'wildcard-resource',
    area: AREA,
    reason: 'a role of Letta may do to every resource what AWS can narrow to one',
    fix: 'name the ARNs; actions without a resource type are no finding',
    judge: (parts) =>
      inStatements(parts, roles(parts), ({ actions, resources, conditions }) => {
        const scopable = actions.find((action) => !UNSCOPABLE.some((pattern) => covers(pattern, action)));
        const narrowed = conditions.some(({ key }) => !CALLER_CONDITION.test(key));
        return resources.includes('*') && !narrowed && scopable && `${scopable} on *`;
      }),
  },
  {
    id: 'wildcard-action',
    area: AREA,
    reason: 'a role of Letta may do all that a service, or AWS, offers',
    fix: 'name the actions',
    judge: (parts) =>
      inStatements(parts, roles(parts), ({ actions }) => {
        const every = actions.find((action) => /^(\*|[a-z0-9-]+:\*)$/i.test(action));
        return every && `action ${every}`;
      }),
  },
  {
    id: 'broad-managed-policy',
    area: AREA,
    reason: "a role of Letta has one of AWS's managed policies that allow far more than it needs",
    fix: 'grant what is needed instead',
    judge: (parts) =>
      faults(roles(parts), 'ManagedPolicyArns', ({ properties }) =>
        list(properties.ManagedPolicyArns)
          .map(text)
          .find((arn) =>
            /:policy\/.*(Administrator|PowerUser|FullAccess|ReadOnlyAccess$|SecretsManagerReadWrite)/.test(arn),
          ),
      ),
  },
  {
    id: 'role-for-everybody',
    area: AREA,
    reason: 'everybody may assume a role of Letta',
    fix: 'trust the service that uses the role, e.g. ecs-tasks.amazonaws.com',
    judge: (parts) => roles(parts).flatMap(trusted),
  },
  {
    id: 'one-role-for-both',
    area: AREA,
    reason:
      'task role and execution role are the same, so the process may do what only ECS should: fetch secrets and images',
    fix: 'give the task definition two roles',
    judge: (parts) =>
      faults(
        parts.tasks,
        'TaskRoleArn',
        ({ properties: { TaskRoleArn: task, ExecutionRoleArn: execution } }) =>
          task !== undefined && text(task) === text(execution) && text(task),
      ),
  },
  {
    id: 'execution-role-too-wide',
    area: AREA,
    reason: 'an execution role may do more than fetch images and secrets and write logs',
    fix: 'grant what the process needs to the task role',
    judge: (parts) =>
      inStatements(parts, taskRoles(parts, 'ExecutionRoleArn'), ({ actions }) => {
        const other = actions.find((action) => !EXECUTION_SERVICES.includes(action.split(':')[0]));
        return other && `action ${other}`;
      }),
  },
  {
    id: 'task-role-reads-other-secret',
    area: AREA,
    reason: "a task role reads a secret that the gateway is not told of, such as the database's master password",
    fix: 'grant it the API password and nothing else; the database is reached by IAM tokens',
    judge: (parts) =>
      inStatements(parts, taskRoles(parts, 'TaskRoleArn'), (statement, role) => otherSecret(parts, statement, role)),
  },
  {
    id: 'password-unreadable',
    area: AREA,
    reason: "the gateway's task role may not read the password that it is told to check, so it does not start",
    fix: 'grant the task role secretsmanager:GetSecretValue on the secret: secret.grantRead(taskRole)',
    judge: (parts) =>
      whollyKnown(parts).flatMap((role) => {
        const readable = statementsOf(parts, role)
          .filter((statement) => allowsAny(statement, ['secretsmanager:GetSecretValue']))
          .flatMap(({ resources }) => resources);
        return namedSecrets(parts, role)
          .filter((secret) => !readable.some((pattern) => covers(pattern, secret) || isSecret(parts, pattern, secret)))
          .map((secret) => fault(role, '', `may not read ${secret}`));
      }),
  },
  {
    id: 'database-login-as-anybody',
    area: AREA,
    reason: 'a task role may log in to databases as any user, or to any database',
    fix: 'name the database and the user: dbuser:RESOURCE_ID/letta_runtime',
    judge: (parts) =>
      inStatements(parts, taskRoles(parts, 'TaskRoleArn'), (statement) => {
        if (!allowsAny(statement, ['rds-db:connect'])) return undefined;
        return statement.resources.find((resource) => /\*/.test(resource.split(':dbuser:')[1] ?? '*'));
      }),
  },
  {
    id: 'cache-login-incomplete',
    area: AREA,
    reason:
      'elasticache:Connect must be allowed on the cache and on the user; with one of them every connection is refused',
    fix: 'allow it on the ARNs of both, the replication group and the user; LettaCache.grantConnect does',
    judge: (parts) =>
      whollyKnown(parts).flatMap((role) => {
        const statements = statementsOf(parts, role).filter((statement) =>
          allowsAny(statement, ['elasticache:Connect']),
        );
        const resources = statements
          .flatMap((statement) => statement.resources)
          .filter((arn) => !isUnknown(arn) || /elasticache/.test(arn));
        const some = (kind: RegExp): boolean => resources.some((arn) => arn === '*' || kind.test(arn));
        return statements.length === 0 || (some(/:(replicationgroup|serverlesscache):/) && some(/:user:/))
          ? []
          : [fault(statements[0].resource, statements[0].location, resources.join(', '))];
      }),
  },
  {
    id: 'public-function',
    area: AREA,
    reason: 'everybody may call a function of Letta',
    fix: 'name who may call it; its address, if it needs one, asks for AWS_IAM',
    judge: (parts) => [
      ...faults(
        parts.ofType('AWS::Lambda::Permission'),
        'Principal',
        ({ properties }) =>
          properties.Principal === '*' &&
          !properties.SourceArn &&
          !properties.SourceAccount &&
          !properties.PrincipalOrgID &&
          'Principal *',
      ),
      ...faults(
        parts.ofType('AWS::Lambda::Url'),
        'AuthType',
        ({ properties }) => properties.AuthType === 'NONE' && 'NONE',
      ),
    ],
  },
  {
    id: 'stored-access-key',
    area: AREA,
    reason:
      "a stack of Letta makes an access key, which does not expire and must be kept somewhere; roles' keys need neither",
    fix: 'use a role',
    judge: (parts) => {
      const stacks = new Set(parts.tasks.map(({ stackName }) => stackName));
      const keys = parts.templates.ofType('AWS::IAM::AccessKey');
      return faults(keys, '', ({ stackName }) => stacks.has(stackName) && 'an access key');
    },
  },
];
