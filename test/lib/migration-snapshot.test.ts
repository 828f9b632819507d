import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { LettaAuroraDatabase, LettaBedrockStack, LettaDatabase, LettaServiceProps } from '../../lib';
import { service } from './letta-service-support';
import { asText, statementsOf, Template, testApp } from './support';

const SNAPSHOT = 'Custom::LettaMigrationSnapshot';

function ofStack(props: { migrationSnapshots?: number } = {}): Template {
  return Template.fromStack(new LettaBedrockStack(testApp(), 'Stack', { http: true, ...props }));
}

/** A service on a database that exists already. */
function ofImported(instanceIdentifier: string | undefined, props: Partial<LettaServiceProps> = {}) {
  return service(({ stack }) => ({ ...props, database: imported(stack, instanceIdentifier) })).template();
}

function imported(stack: Stack, instanceIdentifier: string | undefined) {
  return LettaDatabase.fromLettaDatabaseAttributes(stack, 'Imported', {
    host: 'db.example.com',
    resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1'),
    instanceIdentifier,
  });
}

test('is updated when the image changes, before the migration runs', () => {
  const template = ofStack();
  const [[id, { Properties }]] = Object.entries(template.findResources(SNAPSHOT));
  expect(asText(Properties.image)).toMatch(/container-assets/);
  expect(Properties.databaseInstance).toEqual({ Ref: expect.stringMatching(/^DatabaseInstance/) });
  const [migration] = Object.values(template.findResources('Custom::LettaMigration'));
  expect(migration.Properties).toMatchObject({ keepSnapshots: '3', databaseInstance: Properties.databaseInstance });
  expect(migration.DependsOn).toContain(id);
});

test('may take and delete snapshots of its own name alone, of that instance alone', () => {
  const rds = statementsOf(ofStack(), 'MigrationIsComplete').filter(({ Action }) =>
    JSON.stringify(Action).includes('rds:'),
  );
  const [database, own] = [
    /:db:\$\{DatabaseInstance\w+\}$/,
    /:snapshot:\$\{DatabaseInstance\w+\}-before-migration-\*$/,
  ];
  expect(rds.map(({ Action, Resource }) => [Action, [Resource].flat().map(asText)])).toEqual([
    ['rds:CreateDBSnapshot', [expect.stringMatching(database), expect.stringMatching(own)]],
    [['rds:AddTagsToResource', 'rds:DeleteDBSnapshot'], [expect.stringMatching(own)]],
    ['rds:DescribeDBSnapshots', [expect.stringMatching(database)]],
  ]);
});

test('is not there with migrationSnapshots: 0, nor its rights', () => {
  const template = ofStack({ migrationSnapshots: 0 });
  template.resourceCountIs(SNAPSHOT, 0);
  expect(JSON.stringify(template.toJSON())).not.toContain('rds:CreateDBSnapshot');
});

test('is taken of an imported instance that says its identifier, and of no other', () => {
  const template = ofImported('letta-prod', { migrationSnapshots: 7 });
  template.hasResourceProperties(SNAPSHOT, { databaseInstance: 'letta-prod' });
  template.hasResourceProperties('Custom::LettaMigration', { databaseInstance: 'letta-prod', keepSnapshots: '7' });
  ofImported(undefined).resourceCountIs(SNAPSHOT, 0);
});

test('asked for without knowing of what is an error that says how to tell', () => {
  expect(() => ofImported(undefined, { migrationSnapshots: 1 })).toThrow(
    /migrationSnapshots is 1, but the database does not say its instanceIdentifier.*give instanceIdentifier/,
  );
});

test.each([-1, 1.5, 101, NaN])('migrationSnapshots: %p is an error', (migrationSnapshots) => {
  expect(() => ofStack({ migrationSnapshots })).toThrow(/migrationSnapshots/);
});

test('of Aurora is one of the cluster', () => {
  const app = testApp();
  const stack = new Stack(app, 'Aurora', { env: { account: '111122223333', region: 'us-east-1' } });
  const vpc = new ec2.Vpc(stack, 'Vpc', {
    availabilityZones: ['us-east-1a', 'us-east-1b'],
    subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
  });
  const database = new LettaAuroraDatabase(stack, 'Database', { vpc });
  const template = Template.fromStack(new LettaBedrockStack(app, 'Stack', { http: true, env: stack, vpc, database }));
  const [{ Properties }] = Object.values(template.findResources(SNAPSHOT));
  expect(Properties.databaseInstance).toBeUndefined();
  expect(JSON.stringify(Properties.databaseCluster)).toContain('DatabaseCluster');
  const actions = statementsOf(template, 'MigrationIsComplete').flatMap(({ Action }) => Action);
  expect(actions.filter((action) => action.startsWith('rds:'))).toEqual([
    'rds:CreateDBClusterSnapshot',
    'rds:AddTagsToResource',
    'rds:DeleteDBClusterSnapshot',
    'rds:DescribeDBClusterSnapshots',
  ]);
});
