import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { LettaBedrockStack, LettaBedrockStackProps, LettaExport, LettaExportProps } from '../../lib';
import { asList, asText, Match, Statement, statementsOf, Template, testApp, warningsOf } from './support';
import { TemplateGraph } from './template-graph';

interface Made {
  readonly app: App;
  readonly stack: LettaBedrockStack;
  readonly made: LettaExport;
}

type Props = Partial<LettaExportProps>;

function make(
  props: Props | ((stack: LettaBedrockStack) => Props) = {},
  stackProps: LettaBedrockStackProps = { http: true },
): Made {
  const app = testApp();
  const stack = new LettaBedrockStack(app, 'Test', stackProps);
  const given = typeof props === 'function' ? props(stack) : props;
  return { app, stack, made: new LettaExport(stack, 'Export', { service: stack.service, ...given }) };
}

const templateOf = (...args: Parameters<typeof make>): Template => Template.fromStack(make(...args).stack);

function bucketOf(template: Template) {
  const [bucket] = Object.entries(template.findResources('AWS::S3::Bucket')).filter(([id]) =>
    id.startsWith('ExportBucket'),
  );
  return bucket[1];
}

function containerOf(template: Template, name: string) {
  const tasks = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
  const containers = tasks.flatMap(({ Properties }) => Properties.ContainerDefinitions);
  return containers.find(({ Name }) => Name === name);
}

const environmentOf = (template: Template, name: string): Record<string, string> =>
  Object.fromEntries(
    containerOf(template, name).Environment.map(({ Name, Value }: { Name: string; Value: unknown }) => [
      Name,
      asText(Value),
    ]),
  );

const allowed = (statements: Statement[]): [string[], string[]][] =>
  statements.map(({ Action, Resource }) => [asList(Action), asList(Resource).map(asText)]);

const template = templateOf();

describe('the bucket', () => {
  test('locks every object for the retention, and lets go of it then', () => {
    expect(bucketOf(template).Properties).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 35 } },
      },
      VersioningConfiguration: { Status: 'Enabled' },
      LifecycleConfiguration: {
        Rules: [{ ExpirationInDays: 35, NoncurrentVersionExpiration: { NoncurrentDays: 1 }, Status: 'Enabled' }],
      },
    });
  });

  test('is closed to the public, takes TLS only, and stays when the stack goes', () => {
    const bucket = bucketOf(template);
    expect(bucket.DeletionPolicy).toBe('Retain');
    expect(Object.values(bucket.Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
    const [policy] = Object.entries(template.findResources('AWS::S3::BucketPolicy')).filter(([id]) =>
      id.startsWith('ExportBucket'),
    );
    const conditions = policy[1].Properties.PolicyDocument.Statement.map(
      ({ Effect, Condition }: Statement) => [Effect, Condition] as const,
    );
    expect(conditions).toEqual([
      ['Deny', { Bool: { 'aws:SecureTransport': 'false' } }],
      ['Deny', { NumericLessThan: { 's3:TlsVersion': 1.2 } }],
    ]);
  });

  test("is under the service's key, which the roles may use for it and for nothing else", () => {
    const { stack } = make({}, { http: true, customerManagedKey: true });
    const keyed = Template.fromStack(stack);
    const [encryption] = bucketOf(keyed).Properties.BucketEncryption.ServerSideEncryptionConfiguration;
    expect(encryption).toEqual({
      BucketKeyEnabled: true,
      ServerSideEncryptionByDefault: {
        SSEAlgorithm: 'aws:kms',
        KMSMasterKeyID: stack.resolve(stack.encryptionKey!.keyArn),
      },
    });
    for (const [role, actions] of [
      ['ExportExportTaskDefinitionTaskRole', ['kms:GenerateDataKey']],
      ['ExportRestoreTaskDefinitionTaskRole', ['kms:GenerateDataKey', 'kms:Decrypt']],
    ] as const) {
      const use = statementsOf(keyed, role).find(({ Action }) => asList(Action).includes('kms:GenerateDataKey'))!;
      expect(asList(use.Action)).toEqual(actions);
      expect(use.Resource).toEqual(stack.resolve(stack.encryptionKey!.keyArn));
      expect(asText(use.Condition!.StringEquals['kms:ViaService'])).toBe('s3.${AWS::Region}.amazonaws.com');
      expect(
        asList(use.Condition!.StringLike['kms:EncryptionContext:aws:s3:arn'])
          .map(asText)
          .map((arn) => arn.replace(/Bucket\w+/, 'Bucket')),
      ).toEqual(['${ExportBucket.Arn}', '${ExportBucket.Arn}/exports/*']);
    }
  });

  test('follows a retention, a key and a removal policy of its own', () => {
    const other = templateOf((stack) => ({
      retention: Duration.days(400),
      encryptionKey: new kms.Key(stack, 'Other'),
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    }));
    const { Properties } = bucketOf(other);
    expect(Properties.ObjectLockConfiguration.Rule.DefaultRetention.Days).toBe(400);
    expect(Properties.LifecycleConfiguration.Rules[0].ExpirationInDays).toBe(400);
    expect(JSON.stringify(Properties.BucketEncryption)).toContain('Other');
  });

  test('is locked for good only with a warning', () => {
    const { app, stack } = make({ lockMode: s3.ObjectLockMode.COMPLIANCE });
    const { Mode } = bucketOf(Template.fromStack(stack)).Properties.ObjectLockConfiguration.Rule.DefaultRetention;
    expect(Mode).toBe('COMPLIANCE');
    expect(warningsOf(app).join()).toContain('lockMode is COMPLIANCE: for 35 days');
    expect(warningsOf(make().app).join()).not.toContain('lockMode');
  });

  test('may be one that stands already', () => {
    const { stack } = make((scope) => ({
      bucket: s3.Bucket.fromBucketAttributes(scope, 'Brought', {
        bucketName: 'our-exports',
        encryptionKey: kms.Key.fromKeyArn(scope, 'Key', 'arn:aws:kms:us-east-1:111122223333:key/1'),
      }),
      prefix: 'letta/production',
    }));
    const brought = Template.fromStack(stack);
    expect(environmentOf(brought, 'export')).toMatchObject({
      EXPORT_BUCKET: 'our-exports',
      EXPORT_PREFIX: 'letta/production',
    });
    const written = allowed(statementsOf(brought, 'ExportExportTaskDefinitionTaskRole'));
    expect(written).toContainEqual([['s3:PutObject'], ['arn:${AWS::Partition}:s3:::our-exports/letta/production/*']]);
    expect(written.flatMap(([, resources]) => resources)).toContain('arn:aws:kms:us-east-1:111122223333:key/1');
    expect(Object.keys(brought.findResources('AWS::S3::Bucket')).filter((id) => /^Export/.test(id))).toEqual([]);
  });
});

describe('the tasks', () => {
  test.each([
    ['export', ['node', '/opt/gateway/dist/export.js', 'export']],
    ['restore', ['node', '/opt/gateway/dist/export.js', 'restore', '--export', 'latest']],
  ])('of the %s run its program, unprivileged and on a read-only root', (name, command) => {
    expect(containerOf(template, name)).toMatchObject({
      Command: command,
      User: '10001:10001',
      ReadonlyRootFilesystem: true,
      LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
    });
    expect(containerOf(template, name).Image).toEqual(containerOf(template, 'gateway').Image);
    expect(environmentOf(template, name)).toEqual({
      AWS_REGION: '${AWS::Region}',
      EXPORT_API_URL: expect.stringMatching(/^http:\/\/\$\{ServiceLoadBalancer.*DNSName\}$/),
      EXPORT_BUCKET: expect.stringMatching(/^\$\{ExportBucket/),
      EXPORT_PASSWORD_SECRET_ARN: expect.stringMatching(/^\$\{ServiceApiPassword/),
      EXPORT_PREFIX: 'exports',
      EXPORT_SERVICE_NAME: expect.stringMatching(/^Test-Export-\w+$/),
    });
  });

  test('of the export may write, and neither read, list nor delete', () => {
    expect(allowed(statementsOf(template, 'ExportExportTaskDefinitionTaskRole'))).toEqual([
      [['secretsmanager:GetSecretValue'], [expect.stringMatching(/^\$\{ServiceApiPassword/)]],
      [['s3:PutObject'], [expect.stringMatching(/^\$\{ExportBucket.*\}\/exports\/\*$/)]],
    ]);
  });

  test('of the restore may read and write its report, and not delete', () => {
    const statements = statementsOf(template, 'ExportRestoreTaskDefinitionTaskRole');
    expect(allowed(statements)).toEqual([
      [['secretsmanager:GetSecretValue'], [expect.stringMatching(/^\$\{ServiceApiPassword/)]],
      [['s3:GetObject'], [expect.stringMatching(/^\$\{ExportBucket.*\}\/exports\/\*$/)]],
      [['s3:PutObject'], [expect.stringMatching(/^\$\{ExportBucket.*\}\/exports\/\*\/restores\/\*$/)]],
      [['s3:ListBucket'], [expect.stringMatching(/^\$\{ExportBucket.*\.Arn\}$/)]],
    ]);
    expect(statements[3].Condition).toEqual({ StringLike: { 's3:prefix': 'exports/*' } });
  });

  test('of the restore list the whole bucket, where it is theirs', () => {
    const whole = templateOf({ prefix: '' });
    expect(Object.keys(environmentOf(whole, 'export'))).not.toContain('EXPORT_PREFIX');
    const [, objects, , list] = statementsOf(whole, 'ExportRestoreTaskDefinitionTaskRole');
    expect(asText(objects.Resource)).toMatch(/^\$\{ExportBucket\w+\.Arn\}\/\*$/);
    expect(list.Condition).toBeUndefined();
  });

  test('read secret and bucket through the VPC alone, where it is said', () => {
    const bound = templateOf((stack) => ({ sourceVpc: stack.network!.vpc }));
    for (const role of ['ExportExportTaskDefinitionTaskRole', 'ExportRestoreTaskDefinitionTaskRole']) {
      for (const { Condition } of statementsOf(bound, role)) {
        expect(asText(Condition?.StringEquals['aws:SourceVpc'])).toMatch(/^\$\{NetworkVpc/);
      }
    }
  });

  test('know the authorities of the API that they are told of', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    const other = templateOf({ url: 'https://letta.corp.example.com/', certificateAuthorities: pem });
    for (const name of ['export', 'restore']) {
      expect(environmentOf(other, name)).toMatchObject({
        EXPORT_API_URL: 'https://letta.corp.example.com',
        EXPORT_API_CA: pem,
      });
    }
  });
});

describe('the network', () => {
  const [group] = Object.keys(
    template.findResources('AWS::EC2::SecurityGroup', {
      Properties: { GroupDescription: 'Export and restore of Letta agents' },
    }),
  );

  test('leads to the load balancer and to the endpoints that the tasks need, and nowhere else', () => {
    const out = Object.values(template.findResources('AWS::EC2::SecurityGroupEgress'))
      .filter(({ Properties }) => asText(Properties.GroupId).includes(group))
      .map(({ Properties }) => [
        asText(Properties.DestinationSecurityGroupId ?? Properties.DestinationPrefixListId),
        Properties.ToPort,
      ]);
    expect(out.sort()).toEqual([
      [expect.stringContaining('NetworkEcrApi'), 443],
      [expect.stringContaining('NetworkEcrDocker'), 443],
      [expect.stringContaining('NetworkLogs'), 443],
      [expect.stringContaining('PrefixListId'), 443],
      [expect.stringContaining('NetworkSecretsManager'), 443],
      [expect.stringContaining('ServiceLoadBalancer'), 80],
    ]);
  });

  test('lets the tasks to their objects, and not to the rest of S3', () => {
    const [endpoint] = Object.values(
      template.findResources('AWS::EC2::VPCEndpoint', { Properties: { VpcEndpointType: 'Gateway' } }),
    );
    const statements: Statement[] = endpoint.Properties.PolicyDocument.Statement;
    expect(allowed(statements)).toEqual([
      [['s3:GetObject'], [expect.stringContaining('-starport-layer-bucket/*')]],
      [['s3:GetObject', 's3:PutObject'], [expect.stringMatching(/^\$\{ExportBucket.*\}\/exports\/\*$/)]],
      [['s3:ListBucket'], [expect.stringMatching(/^\$\{ExportBucket.*\.Arn\}$/)]],
    ]);
    for (const { Condition } of statements.slice(1)) {
      expect(Condition!.StringEquals).toEqual({
        'aws:PrincipalAccount': { Ref: 'AWS::AccountId' },
        'aws:ResourceAccount': { Ref: 'AWS::AccountId' },
      });
    }
  });

  test("answers the bucket's name", () => {
    const lists = Object.values(template.findResources('AWS::Route53Resolver::FirewallDomainList'));
    const names = lists.flatMap(({ Properties }) => Properties.Domains ?? []).map((name) => JSON.stringify(name));
    expect(names.filter((name) => name.includes('ExportBucket') && name.includes('.s3.'))).not.toEqual([]);
  });
});

describe('the schedule', () => {
  test('starts the export every day, in the subnets and with the group of its own', () => {
    const [rule] = Object.entries(template.findResources('AWS::Events::Rule')).filter(([id]) => /^Export/.test(id));
    expect(rule[1].Properties.ScheduleExpression).toBe('cron(0 4 * * ? *)');
    const [target] = rule[1].Properties.Targets;
    expect(asText(target.Arn)).toMatch(/^\$\{ServiceCluster/);
    expect(target.EcsParameters).toMatchObject({
      TaskDefinitionArn: { Ref: expect.stringMatching(/^ExportExportTaskDefinition/) },
      LaunchType: 'FARGATE',
      PlatformVersion: '1.4.0',
      NetworkConfiguration: { AwsVpcConfiguration: { AssignPublicIp: 'DISABLED' } },
    });
    expect(target.EcsParameters.NetworkConfiguration.AwsVpcConfiguration.Subnets).toHaveLength(2);
    expect(JSON.stringify(rule[1].DependsOn)).toMatch(/"Service/);
  });

  test('may start this task on this cluster, with its two roles, and nothing else', () => {
    const statements = statementsOf(template, 'ExportScheduleRole');
    expect(allowed(statements)).toEqual([
      [['ecs:RunTask'], [expect.stringMatching(/^\$\{ExportExportTaskDefinition\w+\}$/)]],
      [
        ['iam:PassRole'],
        [
          expect.stringMatching(/^\$\{ExportExportTaskDefinitionTaskRole\w+\.Arn\}$/),
          expect.stringMatching(/^\$\{ExportExecutionRole\w+\.Arn\}$/),
        ],
      ],
    ]);
    expect(statements[0].Condition!.ArnEquals).toHaveProperty(['ecs:cluster']);
    expect(statements[1].Condition).toEqual({
      StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
    });
  });

  test('is another one if that is said', () => {
    templateOf({ schedule: events.Schedule.rate(Duration.hours(6)) }).hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(6 hours)',
    });
  });

  test('begins when the service and all that the task uses stand, and nothing waits for itself', () => {
    const graph = new TemplateGraph(template.toJSON().Resources);
    expect(graph.cycles()).toEqual([]);
    const before = graph.before(graph.id('AWS::Events::Rule', 'Export'));
    const wanted = [
      ...graph.ids('AWS::ECS::Service'),
      ...graph.ids('AWS::IAM::Policy').filter((id) => /^Export(Export|Execution|Schedule)/.test(id)),
      ...graph
        .ids('AWS::EC2::SecurityGroupEgress')
        .filter((id) => asText(graph.resource(id).Properties!.GroupId).includes('ExportSecurityGroup')),
    ];
    expect(wanted.length).toBeGreaterThan(8);
    expect(wanted.filter((id) => !before.has(id))).toEqual([]);
  });
});

describe('who operates it', () => {
  test.each([
    ['ExportCommand', /ExportExportTaskDefinition/, ['node', '/opt/gateway/dist/export.js', 'export']],
    [
      'RestoreCommand',
      /ExportRestoreTaskDefinition/,
      ['node', '/opt/gateway/dist/export.js', 'restore', '--export', 'latest'],
    ],
  ])('finds the command in the output %s', (name, definition, command) => {
    const [output] = Object.entries(template.findOutputs('*')).filter(([id]) => id.startsWith(`Export${name}`));
    const text = asText(output[1].Value);
    expect(text).toMatch(/^aws ecs run-task --region \$\{AWS::Region\} --cluster \$\{ServiceCluster/);
    expect(text).toMatch(definition);
    expect(text).toMatch(
      /'awsvpcConfiguration=\{subnets=\[[^\]]+,[^\]]+\],securityGroups=\[[^\]]+\],assignPublicIp=DISABLED\}'/,
    );
    const overrides = JSON.parse(/--overrides '(.*)'$/.exec(text)![1]);
    expect(overrides).toEqual({
      containerOverrides: [{ name: name === 'ExportCommand' ? 'export' : 'restore', command }],
    });
  });

  test('has a log of its own that stays', () => {
    const keep = templateOf({ logRetention: logs.RetentionDays.ONE_YEAR });
    const groups = Object.entries(keep.findResources('AWS::Logs::LogGroup')).filter(([id]) => /^ExportLogs/.test(id));
    expect(groups.map(([, { DeletionPolicy, Properties }]) => [DeletionPolicy, Properties.RetentionInDays])).toEqual([
      ['Retain', 365],
    ]);
  });

  test('has metrics of complete exports, agents, passages, time, and of tasks that did not start', () => {
    const { stack, made } = make();
    const dimensions = { Service: expect.stringMatching(/^Test-Export-\w+$/) };
    expect(
      [
        made.metricExportComplete(),
        made.metricAgentsExported(),
        made.metricAgentsNotExported(),
        made.metricPassagesExported(),
        made.metricExportDuration(),
      ].map((metric) => [metric.namespace, metric.metricName, metric.statistic, metric.dimensions]),
    ).toEqual([
      ['CdkLetta', 'ExportComplete', 'Sum', dimensions],
      ['CdkLetta', 'AgentsExported', 'Sum', dimensions],
      ['CdkLetta', 'AgentsNotExported', 'Sum', dimensions],
      ['CdkLetta', 'PassagesExported', 'Sum', dimensions],
      ['CdkLetta', 'ExportDuration', 'Maximum', dimensions],
    ]);
    const { namespace, metricName, dimensions: rule } = made.metricFailedStarts();
    expect([namespace, metricName, stack.resolve(rule)]).toEqual([
      'AWS/Events',
      'FailedInvocations',
      { RuleName: { Ref: expect.stringMatching(/^ExportSchedule/) } },
    ]);
  });
});

test('stands in a stack of its own as well', () => {
  const app = testApp();
  const { service } = new LettaBedrockStack(app, 'Letta', { http: true });
  const stack = new Stack(app, 'Exports');
  new LettaExport(stack, 'Export', { service });
  const apart = Template.fromStack(stack);
  apart.resourceCountIs('AWS::ECS::TaskDefinition', 2);
  apart.resourceCountIs('AWS::S3::Bucket', 1);
  apart.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { ToPort: 80, GroupId: Match.anyValue() });
});

const CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/00000000-1111-2222-3333-444444444444';

test.each<[string, (stack: LettaBedrockStack) => Record<string, unknown>, string]>([
  ['no service', () => ({ service: undefined }), 'service is undefined, wanted the LettaService'],
  ['a text for a schedule', () => ({ schedule: 'daily' }), "schedule is 'daily', wanted an events.Schedule"],
  ['a number of days', () => ({ retention: 35 }), 'retention is 35, wanted a Duration'],
  ['half a day', () => ({ retention: Duration.hours(12) }), 'retention is 0.5 days, wanted a whole number from 1'],
  ['a hundred years and a day', () => ({ retention: Duration.days(36501) }), 'retention is 36501 days, wanted'],
  ['a lock that there is none of', () => ({ lockMode: 'LEGAL' }), "lockMode is 'LEGAL', wanted s3.ObjectLockMode"],
  [
    'a bucket and its retention',
    (stack) => ({ bucket: s3.Bucket.fromBucketName(stack, 'B', 'exports'), retention: Duration.days(1) }),
    'bucket and retention are both given, wanted one of them',
  ],
  [
    'a bucket of another account',
    (stack) => ({
      bucket: s3.Bucket.fromBucketAttributes(stack, 'B', { bucketName: 'exports', account: '999999999999' }),
    }),
    "bucket is of account '999999999999'",
  ],
  [
    'a bucket of another region',
    (stack) => ({ bucket: s3.Bucket.fromBucketAttributes(stack, 'B', { bucketName: 'exports', region: 'eu-west-1' }) }),
    "bucket is of region 'eu-west-1'",
  ],
  [
    'a bucket with dots in its name',
    (stack) => ({ bucket: s3.Bucket.fromBucketName(stack, 'B', 'our.exports') }),
    "bucket is 'our.exports', wanted a name without dots",
  ],
  ['a URL with a path', () => ({ url: 'https://a.example.com/v1' }), "url is 'https://a.example.com/v1', wanted one"],
  ['a URL of another kind', () => ({ url: 'ftp://a.example.com' }), "url is 'ftp://a.example.com', wanted one"],
  ['a slash before the prefix', () => ({ prefix: '/exports' }), "prefix is '/exports', wanted names"],
  ['a wildcard in the prefix', () => ({ prefix: 'a*' }), "prefix is 'a*', wanted names"],
  ['a way up in the prefix', () => ({ prefix: 'a/..' }), "prefix is 'a/..', wanted names"],
  [
    'no certificate',
    () => ({ certificateAuthorities: 'authority.pem' }),
    'certificateAuthorities holds no certificate',
  ],
  [
    'a private key beside the certificate',
    () => ({
      certificateAuthorities:
        '-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----',
    }),
    'certificateAuthorities holds a private key',
  ],
])('fails on %s', (_, props, message) => {
  const env = { account: '111122223333', region: 'us-east-1' };
  expect(() => make((stack) => props(stack) as Props, { http: true, env })).toThrow(`Test/Export: ${message}`);
});

test('fails on a service whose certificate cannot be for its name, and takes a name for it', () => {
  const make2 = (props: Props, domainName?: string): Template => {
    const app = testApp();
    const certificate = acm.Certificate.fromCertificateArn(new Stack(app, 'Imports'), 'Certificate', CERTIFICATE);
    const stack = new LettaBedrockStack(app, 'Test', { certificate, domainName });
    new LettaExport(stack, 'Export', { service: stack.service, ...props });
    return Template.fromStack(stack);
  };
  expect(() => make2({})).toThrow('Test/Export: the service has a certificate and no domainName');
  expect(environmentOf(make2({}, 'letta.example.com'), 'export').EXPORT_API_URL).toBe('https://letta.example.com');
  const named = make2({ url: 'https://other.example.com' });
  expect(environmentOf(named, 'export').EXPORT_API_URL).toBe('https://other.example.com');
});
