import * as fs from 'node:fs';
import * as path from 'node:path';
import { PermissionsBoundary, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { EndpointSource, LettaBedrockStack, LettaBedrockStackProps, VpcEndpoints } from '../../lib';
import { asList, asText, isolatedVpc, Statement, statementsOf, Template, testApp } from './support';

const ENV = { account: '111122223333', region: 'us-east-1' };

function synth(props: LettaBedrockStackProps = {}): Template {
  return Template.fromStack(new LettaBedrockStack(testApp(), 'Letta', { http: true, env: ENV, ...props }));
}

const sourceVpcs = (statements: Statement[], action: string): string[] =>
  statements
    .filter(({ Action }) => asList(Action).includes(action))
    .map(({ Condition }) => asText(Condition?.StringEquals?.['aws:SourceVpc'] ?? 'anywhere'));

describe('permissionsBoundary of the stack', () => {
  test('bounds every role, those of the deployment functions of the CDK included', () => {
    const arn = 'arn:aws:iam::111122223333:policy/boundary';
    const roles = Object.values(
      synth({ permissionsBoundary: PermissionsBoundary.fromArn(arn) }).findResources('AWS::IAM::Role'),
    );
    expect(roles.length).toBeGreaterThan(12);
    for (const { Properties } of roles) expect(Properties.PermissionsBoundary).toBe(arn);
  });
});

describe('in a network with endpoints, credentials call no model and read no secret outside its VPC', () => {
  const VPC = /^\$\{NetworkVpc[0-9A-F]{8}\}$/;

  test('the passwords and the master secret are read through its endpoint alone', () => {
    const template = synth();
    for (const role of ['ServiceTaskDefinitionTaskRole', 'DatabaseSetupStepRole']) {
      const read = sourceVpcs(statementsOf(template, role), 'secretsmanager:GetSecretValue');
      expect(read).toEqual([expect.stringMatching(VPC)]);
    }
  });

  test('the models are called through its endpoints alone', () => {
    const statements = statementsOf(synth(), 'ServiceTaskDefinitionTaskRole').filter(
      ({ Condition }) => !Condition?.StringEquals?.['bedrock:InferenceProfileArn'],
    );
    for (const action of ['bedrock:InvokeModel', 'bedrock:ListInferenceProfiles']) {
      const called = sourceVpcs(statements, action);
      expect(called).not.toEqual([]);
      for (const vpc of called) expect(vpc).toMatch(VPC);
    }
  });

  test('with endpoints that somebody else made nothing is demanded: they may stand in another VPC', () => {
    const app = testApp();
    const shared = new Stack(app, 'Shared', { env: ENV });
    const vpc = isolatedVpc(shared);
    const imported = new VpcEndpoints(shared, 'Endpoints', {
      vpc,
      defaultSource: EndpointSource.imported(new ec2.SecurityGroup(shared, 'Group', { vpc, allowAllOutbound: false })),
      s3PrefixListId: 'pl-63a5400a',
    });
    const stack = new LettaBedrockStack(app, 'Letta', { http: true, env: ENV, endpoints: imported });
    expect(JSON.stringify(Template.fromStack(stack).toJSON())).not.toContain('aws:SourceVpc');
  });
});

describe('customerManagedKey', () => {
  const template = synth({ customerManagedKey: true, guardrailFilters: {} });
  const resources = Object.values(template.toJSON().Resources as Record<string, { Type: string; Properties: never }>);

  test.each([
    ['AWS::RDS::DBInstance', 'KmsKeyId'],
    ['AWS::RDS::DBInstance', 'PerformanceInsightsKMSKeyId'],
    ['AWS::RDS::DBInstance', 'MasterUserSecret.KmsKeyId'],
    ['AWS::ElastiCache::ReplicationGroup', 'KmsKeyId'],
    ['AWS::SecretsManager::Secret', 'KmsKeyId'],
    ['AWS::Logs::LogGroup', 'KmsKeyId'],
    ['AWS::Bedrock::Guardrail', 'KmsKeyArn'],
  ])('encrypts every %s (%s)', (type, property) => {
    const keys = resources
      .filter(({ Type }) => Type === type)
      .map(({ Properties }) => property.split('.').reduce<Record<string, never>>((at, name) => at[name], Properties));
    expect(keys).not.toEqual([]);
    for (const key of keys) expect(asText(key)).toMatch(/^\$\{Key[0-9A-F]{8}\.Arn\}$/);
  });

  test('leaves under keys of AWS what the documents name, and nothing else', () => {
    const document = fs.readFileSync(path.join(__dirname, '../../docs/permissions.md'), 'utf8');
    const ofType = (type: string): [string, Record<string, never>][] =>
      Object.entries(template.findResources(type)).map(([id, { Properties }]) => [id, Properties]);
    const functions = ofType('AWS::Lambda::Function');
    expect(functions.filter(([, { LoggingConfig }]) => !LoggingConfig).map(([id]) => id)).toEqual([
      expect.stringMatching(/^CustomVpcRestrictDefaultSG/),
    ]);
    expect(document).toContain("log group of CDK's function that empties the VPC's default security group");
    for (const [, { KmsKeyArn, Environment }] of functions) {
      expect(KmsKeyArn).toBeUndefined();
      const names = Object.keys((Environment as { Variables?: object } | undefined)?.Variables ?? {});
      expect(names.filter((name) => /secret|password/i.test(name) && !name.endsWith('_ARN'))).toEqual([]);
    }
    expect(document).toContain('code and environment of the functions, which hold no secret');
    expect(ofType('AWS::ECS::Cluster').map(([, cluster]) => 'Configuration' in (cluster ?? {}))).toEqual([false]);
    expect(document).toContain("the tasks' ephemeral disks");
    for (const [, { BucketEncryption }] of ofType('AWS::S3::Bucket')) {
      expect(JSON.stringify(BucketEncryption)).toContain('"SSEAlgorithm":"AES256"');
    }
    expect(document).toContain('the access logs');
  });

  test('rotates, and stays with the database', () => {
    template.hasResource('AWS::KMS::Key', {
      Properties: { EnableKeyRotation: true },
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
  });

  test('may be used by a role only to decrypt: secrets through Secrets Manager, the guardrail by callers of models', () => {
    const grants = Object.values(template.findResources('AWS::IAM::Policy'))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[])
      .filter(({ Action }) => asList(Action).some((action) => action.startsWith('kms:')));
    expect(grants).not.toEqual([]);
    for (const { Action, Resource, Condition } of grants) {
      expect(Action).toBe('kms:Decrypt');
      expect(asText(Resource)).toMatch(/^\$\{Key/);
      const via = Condition?.StringEquals?.['kms:ViaService'];
      if (via) expect(via).toBe('secretsmanager.us-east-1.amazonaws.com');
    }
    expect(grants.filter(({ Condition }) => !Condition)).toHaveLength(1);
  });

  test('leaves to others what they do: its policy names the account and two services, for this account alone', () => {
    const [{ Properties }] = Object.values(template.findResources('AWS::KMS::Key'));
    for (const { Principal, Action, Condition } of Properties.KeyPolicy.Statement) {
      if (Action === 'kms:*') expect(asText(Principal.AWS)).toMatch(/:iam::111122223333:root$/);
      else expect(Object.keys(Condition)).toEqual([expect.stringMatching(/^(ArnLike|StringEquals)$/)]);
    }
  });

  test('fails together with a key', () => {
    const app = testApp();
    const encryptionKey = new kms.Key(new Stack(app, 'Keys', { env: ENV }), 'Key');
    expect(
      () => new LettaBedrockStack(app, 'Letta', { http: true, env: ENV, encryptionKey, customerManagedKey: true }),
    ).toThrow('Letta: encryptionKey and customerManagedKey are both given');
  });
});

describe('modelRegions', () => {
  test('take the default models in us-east-1 where all that they route to from there is allowed', () => {
    expect(() => synth({ modelRegions: ['us-east-1', 'us-east-2', 'us-west-2'] })).not.toThrow();
  });

  test('refuse them where a region of theirs is not allowed', () => {
    expect(() => synth({ modelRegions: ['us-east-1', 'us-west-2'] })).toThrow(
      "Letta/Bedrock: the inference profile 'us.anthropic.claude-sonnet-4-5-20250929-v1:0' may route to us-east-2, wanted",
    );
  });
});

test('guardrailFilters make a guardrail in the stack, which each task carries and its role demands', () => {
  const template = synth({ guardrailFilters: {} });
  const [version] = Object.keys(template.findResources('AWS::Bedrock::GuardrailVersion'));
  const task = JSON.stringify(template.findResources('AWS::ECS::TaskDefinition'));
  expect(task).toContain(JSON.stringify({ 'Fn::GetAtt': [version, 'Version'] }));
  const demanding = statementsOf(template, 'ServiceTaskDefinitionTaskRole').filter(
    ({ Condition }) => Condition?.StringEquals?.['bedrock:GuardrailIdentifier'],
  );
  expect(demanding).toHaveLength(4);
});

test('the master secret is made and rotated by RDS, which a schedule of ours would only get in the way of', () => {
  const template = synth();
  template.hasResourceProperties('AWS::RDS::DBInstance', { ManageMasterUserPassword: true });
  template.resourceCountIs('AWS::SecretsManager::RotationSchedule', 0);
});
