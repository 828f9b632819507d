import { App, Duration, Stack, Token } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as logs from 'aws-cdk-lib/aws-logs';
import { LettaBedrockStack, LettaRetention, LettaRetentionProps } from '../../lib';
import { asText, statementsOf, Template, testApp } from './support';

function made(props: Partial<LettaRetentionProps> = {}): { app: App; stack: Stack; template: () => Template } {
  const app = testApp();
  const stack = new LettaBedrockStack(app, 'Test', { http: true });
  new LettaRetention(stack, 'Retention', {
    database: stack.ownDatabase!,
    service: stack.service,
    messages: Duration.days(90),
    ...props,
  });
  return { app, stack, template: () => Template.fromStack(stack) };
}

const functionOf = (template: Template) =>
  Object.values(template.findResources('AWS::Lambda::Function', { Properties: { Handler: 'index.onSchedule' } }))[0];

const template = made().template();

test('deletes once a day what is older than the policy', () => {
  const { Properties } = functionOf(template);
  expect(Properties.Environment.Variables).toMatchObject({
    RETENTION_SECONDS: '7776000',
    HELD_AGENTS: '',
    HOLD_TAG: 'legal-hold',
    DRY_RUN: 'false',
    DATABASE_NAME: 'letta',
    DATABASE_PORT: '5432',
  });
  expect(Properties.Timeout).toBe(900);
  template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'cron(0 3 * * ? *)' });
});

test('holds, dry run, schedule and log are told', () => {
  const other = made({
    heldAgents: ['agent-1', 'agent-2'],
    holdTag: 'keep',
    dryRun: true,
    schedule: events.Schedule.rate(Duration.hours(6)),
    logRetention: logs.RetentionDays.ONE_YEAR,
  }).template();
  expect(functionOf(other).Properties.Environment.Variables).toMatchObject({
    HELD_AGENTS: 'agent-1,agent-2',
    HOLD_TAG: 'keep',
    DRY_RUN: 'true',
  });
  other.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(6 hours)' });
});

test('its role logs in as its own database role, writes its own log, and has nothing else', () => {
  const statements = statementsOf(template, 'RetentionRole').map(({ Effect, Action }) => [Effect, Action]);
  expect(statements.filter(([effect]) => effect === 'Allow')).toEqual([
    ['Allow', ['logs:CreateLogStream', 'logs:PutLogEvents']],
    ['Allow', expect.arrayContaining(['ec2:CreateNetworkInterface'])],
    ['Allow', 'rds-db:connect'],
  ]);
  expect(statements.filter(([effect]) => effect === 'Deny')).toEqual([
    ['Deny', expect.arrayContaining(['ec2:CreateNetworkInterface'])],
  ]);
  const login = statementsOf(template, 'RetentionRole').find(({ Action }) => Action === 'rds-db:connect')!;
  expect(asText(login.Resource)).toMatch(/\/letta_retention$/);
});

test('its security group reaches the database and nothing else', () => {
  const [group] = Object.keys(
    template.findResources('AWS::EC2::SecurityGroup', {
      Properties: { GroupDescription: 'Retention of Letta messages' },
    }),
  );
  const out = Object.values(template.findResources('AWS::EC2::SecurityGroupEgress')).filter((rule) =>
    JSON.stringify(rule.Properties.GroupId).includes(group),
  );
  expect(out.map(({ Properties }) => Properties.FromPort)).toEqual([5432]);
});

test('the database role is made after the migration, and nothing runs before', () => {
  const [[id, role]] = Object.entries(template.findResources('Custom::LettaRetentionRole'));
  expect(role.Properties).toMatchObject({ retentionRole: 'letta_retention', migratorRole: 'letta_migrator' });
  const [migration] = Object.keys(template.findResources('Custom::LettaMigration'));
  expect(role.DependsOn).toContain(migration);
  const rules = Object.values(template.findResources('AWS::Events::Rule'));
  expect(rules.some(({ DependsOn }) => DependsOn?.includes(id))).toBe(true);
});

test('the record of what was deleted stays when the stack goes', () => {
  const groups = Object.entries(template.findResources('AWS::Logs::LogGroup')).filter(([id]) =>
    id.startsWith('Retention'),
  );
  expect(groups.map(([, { DeletionPolicy, Properties }]) => [DeletionPolicy, Properties.RetentionInDays])).toEqual([
    ['Retain', 3653],
  ]);
});

test('a policy that only the deployment knows passes', () => {
  expect(() => made({ messages: Duration.seconds(Token.asNumber({ Ref: 'Seconds' })) }).template()).not.toThrow();
});

test('messages may be kept for exactly as long as they must', () => {
  const year = Duration.days(365);
  expect(() => made({ messages: year, minimumRetention: year }).template()).not.toThrow();
});

test.each<[string, unknown, string]>([
  ['less than a day', { messages: Duration.hours(23) }, 'messages is 0.9583333333333334 days, wanted 1 to 36500 days'],
  ['a number', { messages: 90 }, 'messages is 90, wanted a Duration'],
  [
    'less than must be kept',
    { messages: Duration.days(90), minimumRetention: Duration.days(365) },
    'messages is 90 days, wanted at least the 365 days of minimumRetention',
  ],
  ['a minimum that is no duration', { minimumRetention: '1 year' }, "minimumRetention is '1 year', wanted a Duration"],
  [
    'a minimum that nobody can compare',
    { messages: Duration.seconds(Token.asNumber({ Ref: 'Seconds' })), minimumRetention: Duration.days(30) },
    'minimumRetention or messages is a token',
  ],
  ['a name for an id', { heldAgents: ['Ada'] }, "heldAgents has 'Ada', wanted an agent's id"],
  ['one id for a list', { heldAgents: 'agent-1' }, "heldAgents is 'agent-1', wanted a list of ids"],
  ['more ids than fit', { heldAgents: Array(80).fill(`agent-${'0'.repeat(36)}`) }, 'heldAgents has 80 ids'],
  ['an empty tag', { holdTag: '' }, "holdTag is '', wanted a tag"],
  ['a text for a schedule', { schedule: 'daily' }, "schedule is 'daily', wanted an events.Schedule"],
  ['no database', { database: undefined }, 'database is not given, wanted a LettaDatabase'],
  ['no service', { service: undefined }, 'service is not given, wanted the LettaService'],
])('fails on %s', (_, props, message) => {
  expect(() => made(props as Partial<LettaRetentionProps>)).toThrow(`Test/Retention: ${message}`);
});
