import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { LettaBedrockStack, LettaDatabase, LettaServiceProps } from '../../lib';
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
  expect(Properties.keep).toBe('3');
  const [migration] = Object.values(template.findResources('Custom::LettaMigration'));
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
  ofImported('letta-prod', { migrationSnapshots: 7 }).hasResourceProperties(SNAPSHOT, {
    databaseInstance: 'letta-prod',
    keep: '7',
  });
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
