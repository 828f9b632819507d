jest.mock('aws-cdk-lib', () =>
  jest.requireActual('../gate/example-apps').keepingApps(jest.requireActual('aws-cdk-lib')),
);
import { App } from 'aws-cdk-lib';
import { LettaBedrockStack } from '../../lib';
import { UNSCOPABLE_ACTIONS } from '../../lib/private/unscopable-actions';
import { gateApps } from '../gate/apps';
import { asList, asText, testApp } from './support';

interface Policy {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly Resource?: unknown;
  readonly NotAction?: unknown;
  readonly NotResource?: unknown;
}

interface Resource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
}

/** All that can be granted by this library and not be exact, beside the actions that AWS cannot scope at all. */
const OPEN_RESOURCES: [pattern: RegExp, actions: string[], why: string][] = [
  [/^\$\{[^}]+\.Arn\}:\*$/, ['lambda:InvokeFunction'], "a function's versions, as CDK's framework calls them"],
  [/:task-definition\/[\w-]+:\*$/, ['ecs:RunTask'], 'a roll-back runs an older revision'],
  [/:task\/[^*]+\/\*$/, ['ecs:DescribeTasks', 'ecs:UpdateTaskProtection'], 'ECS names a task when it starts it'],
  [
    /:log-group:[^*]+:log-stream:[\w-]+\/(letta|gateway)\/\*$/,
    ['logs:GetLogEvents'],
    'ECS names a stream after its task',
  ],
  [
    /:snapshot:[^*]+-before-migration-\*$/,
    ['rds:CreateDBSnapshot', 'rds:AddTagsToResource', 'rds:DeleteDBSnapshot'],
    'a snapshot is named when it is taken',
  ],
  [
    /:cluster-snapshot:[^*]+-before-migration-\*$/,
    ['rds:CreateDBClusterSnapshot', 'rds:AddTagsToResource', 'rds:DeleteDBClusterSnapshot'],
    'a snapshot is named when it is taken',
  ],
  [/-starport-layer-bucket\/\*$/, ['s3:GetObject'], "layers in AWS's own bucket"],
  [
    /Bucket\w+\.Arn\}\/exports\/\*(\/restores\/\*)?$/,
    ['s3:PutObject', 's3:GetObject'],
    'an export names its objects by its time and its agents',
  ],
  [/\/AWSLogs\/[^*]+\/\*$/, ['s3:PutObject'], 'load balancers name the objects of their logs'],
];

const UNSCOPABLE = Object.values(UNSCOPABLE_ACTIONS).flat() as string[];

/** Every statement of every policy that principals are allowed things by: roles', endpoints', buckets'. */
function statements(template: { Resources: Record<string, Resource> }): [string, Policy][] {
  const found: [string, Policy][] = [];
  const collect = (id: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { Statement } = value as { Statement?: Policy[] };
    if (Array.isArray(Statement)) found.push(...Statement.map((statement): [string, Policy] => [id, statement]));
    Object.values(value).forEach((inner) => collect(id, inner));
  };
  for (const [id, { Type, Properties }] of Object.entries(template.Resources ?? {})) {
    // A key's policy can only say `*`, which there is the key; who may use it has a test of its own. Data protection is no permission.
    if (!['AWS::KMS::Key', 'AWS::Logs::LogGroup'].includes(Type)) collect(id, Properties);
  }
  return found;
}

/** What of a statement is wider than it need be. */
function excess([id, { Effect, Action, Resource, NotAction, NotResource }]: [string, Policy]): string[] {
  if (Effect !== 'Allow') return [];
  const actions = asList(Action ?? []);
  const patterns = actions.filter((action) => /[*?]/.test(action)).map((action) => `${id}: the pattern ${action}`);
  const negations = NotAction !== undefined || NotResource !== undefined ? [`${id}: allows all but something`] : [];
  const open = asList(Resource ?? [])
    .map(asText)
    .filter((resource) => /\*/.test(resource))
    .flatMap((resource) => {
      const allowed =
        resource === '*' ? UNSCOPABLE : OPEN_RESOURCES.flatMap(([pattern, can]) => (pattern.test(resource) ? can : []));
      return actions.filter((action) => !allowed.includes(action)).map((action) => `${id}: ${action} on ${resource}`);
    });
  return [...patterns, ...negations, ...open];
}

const withEverything = testApp();
new LettaBedrockStack(withEverything, 'Everything', { http: true, customerManagedKey: true, guardrailFilters: {} });
const apps: [string, App][] = [...gateApps(), ['a stack with key and guardrail', withEverything]];
const templates = apps.flatMap(([name, app]) =>
  app
    .synth()
    .stacksRecursively.map((stack): [string, { Resources: Record<string, Resource> }] => [
      `${name}: ${stack.stackName}`,
      stack.template,
    ]),
);

/**
 * A network in a stack of its own does not know the ARNs of the stacks that refer to it: there the endpoints' policies name
 * all of the account's, and the roles' own policies the exact ones.
 */
const BETWEEN_STACKS: Record<string, RegExp[]> = {
  'a stack on Aurora: Data': [
    /^NetworkVpcSecretsManager\w+: secretsmanager:GetSecretValue on .*:secret:\*$/,
    /^NetworkVpcLogs\w+: logs:CreateLogStream on .*:log-group:\*$/,
    /^NetworkVpcLogs\w+: logs:PutLogEvents on .*:log-group:\*$/,
  ],
  'examples/valkey-arm.ts: Foundation': [
    /^NetworkVpcLogs\w+: logs:CreateLogStream on .*:log-group:\*$/,
    /^NetworkVpcLogs\w+: logs:PutLogEvents on .*:log-group:\*$/,
    /^NetworkVpcSecretsManager\w+: secretsmanager:GetSecretValue on .*:secret:\*$/,
  ],
};

test.each(templates)('%s allows nothing on more resources than AWS can tell apart', (name, template) => {
  const expected = (BETWEEN_STACKS[name] ?? []).map((pattern) => expect.stringMatching(pattern));
  expect(statements(template).flatMap(excess)).toEqual(expected);
});

test.each(templates)('%s: models are called through the endpoints of the VPC, or by Bedrock itself', (_n, template) => {
  const ofRoles = Object.values(template.Resources ?? {}).filter(({ Type }) => Type === 'AWS::IAM::Policy');
  const calls = ofRoles
    .flatMap(({ Properties }) => (Properties!.PolicyDocument as { Statement: Record<string, unknown>[] }).Statement)
    .filter(({ Action }) => asList(Action as string[]).includes('bedrock:InvokeModel'));
  for (const { Condition } of calls) {
    expect(JSON.stringify(Condition ?? '')).toMatch(/"(aws:SourceVpc|bedrock:InferenceProfileArn)"/);
  }
});

test('there is much to judge, and every exception is used somewhere', () => {
  const all = templates.flatMap(([, template]) => statements(template));
  expect(all.length).toBeGreaterThan(150);
  const resources = all.flatMap(([, { Resource: resource }]) => asList(resource ?? []).map(asText));
  for (const [pattern, , why] of OPEN_RESOURCES) {
    expect({ why, used: resources.some((resource) => pattern.test(resource)) }).toEqual({ why, used: true });
  }
  const onAll = all.filter(([, { Resource: resource }]) => asList(resource ?? []).includes('*'));
  expect([...new Set(onAll.flatMap(([, { Action }]) => asList(Action ?? [])))].sort()).toEqual(
    expect.arrayContaining([...UNSCOPABLE].sort()),
  );
});

/** AWS's own policies for AWS Backup, on roles that are denied all but what a database takes. */
const ofBackup = ({ ManagedPolicyArns, Policies }: Record<string, unknown>): boolean => {
  const names = (ManagedPolicyArns as unknown[]).map(asText);
  const denials = (Policies as { PolicyDocument: { Statement: Policy[] } }[] | undefined)?.flatMap(
    ({ PolicyDocument }) => PolicyDocument.Statement,
  );
  return (
    names.every((name) => /\/AWSBackupServiceRolePolicyFor(Backup|Restores)$/.test(name)) &&
    denials?.some(({ Effect, NotAction }) => Effect === 'Deny' && asList(NotAction).join().includes('rds:*')) === true
  );
};

test.each(templates)(
  "%s: no role carries a managed policy but that of the CDK's own default-security-group function and AWS Backup's",
  (_n, template) => {
    const carried = Object.entries(template.Resources ?? {})
      .filter(([, { Type, Properties }]) => Type === 'AWS::IAM::Role' && Properties?.ManagedPolicyArns)
      .filter(([, { Properties }]) => !ofBackup(Properties!))
      .map(([id]) => id);
    for (const id of carried) expect(id).toMatch(/^CustomVpcRestrictDefaultSGCustomResourceProviderRole/);
  },
);

test.each<[string, Policy]>([
  ['every resource', { Effect: 'Allow', Action: 'bedrock:InvokeModel', Resource: '*' }],
  ['a pattern of actions', { Effect: 'Allow', Action: 'bedrock:*', Resource: 'arn:aws:bedrock:x' }],
  [
    'any model',
    { Effect: 'Allow', Action: ['bedrock:InvokeModel'], Resource: 'arn:aws:bedrock:us-east-1::foundation-model/*' },
  ],
  ['all but something', { Effect: 'Allow', NotAction: 'iam:*', Resource: 'arn:aws:iam::1:role/x' }],
  [
    'another action on an exception',
    { Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::prod-x-starport-layer-bucket/*' },
  ],
])('%s would be found', (_name, statement) => {
  expect(excess(['Some', statement])).toHaveLength(1);
});
