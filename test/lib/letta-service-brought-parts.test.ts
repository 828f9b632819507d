import { App, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { LettaServiceProps } from '../../lib';
import { Parts, service } from './letta-service-support';
import { asText, Match, statementsOf, Template, warningsOf } from './support';

const IRELAND = { account: '111122223333', region: 'eu-west-1' };
const arn = (service: string, resource: string, region = 'us-east-1', account = '111122223333') =>
  `arn:aws:${service}:${region}:${account}:${resource}`;

/** A service in Ireland, with what somebody brings along. */
const inIreland = (props: (parts: Parts) => Partial<LettaServiceProps>) => service(props, undefined, IRELAND);

describe('what is of another region fails', () => {
  test.each<[string, (stack: Stack) => Partial<LettaServiceProps>]>([
    [
      'apiPassword',
      (stack) => ({
        apiPassword: secretsmanager.Secret.fromSecretCompleteArn(
          stack,
          'Password',
          arn('secretsmanager', 'secret:letta-AbCdEf'),
        ),
      }),
    ],
    [
      'administratorPassword',
      (stack) => ({
        administratorPassword: secretsmanager.Secret.fromSecretPartialArn(
          stack,
          'Password',
          arn('secretsmanager', 'secret:letta'),
        ),
      }),
    ],
    [
      'certificate',
      (stack) => ({
        http: undefined,
        certificate: acm.Certificate.fromCertificateArn(stack, 'Certificate', arn('acm', 'certificate/x')),
      }),
    ],
    [
      'accessLogsBucket',
      (stack) => ({
        accessLogsBucket: s3.Bucket.fromBucketAttributes(stack, 'Bucket', { bucketName: 'logs', region: 'us-east-1' }),
      }),
    ],
    [
      'logGroup',
      (stack) => ({ logGroup: logs.LogGroup.fromLogGroupArn(stack, 'Logs', arn('logs', 'log-group:letta:*')) }),
    ],
  ])('%s', (prop, props) => {
    expect(() => inIreland(({ stack }) => props(stack))).toThrow(
      `Test/Letta: ${prop} is of region 'us-east-1', wanted one of the stack's region 'eu-west-1'`,
    );
    expect(() => service(({ stack }) => props(stack))).not.toThrow();
  });
});

describe('a certificate', () => {
  test.each([
    ['of the region', arn('acm', 'certificate/x', 'eu-west-1')],
    ['of IAM, which has no region', 'arn:aws:iam::111122223333:server-certificate/letta'],
  ])('%s is taken', (_what, certificateArn) => {
    const { template } = inIreland(({ stack }) => ({
      http: undefined,
      certificate: acm.Certificate.fromCertificateArn(stack, 'Certificate', certificateArn),
    }));
    template().hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Certificates: [{ CertificateArn: certificateArn }],
    });
  });
});

describe('a password', () => {
  const generated = (generateSecretString: secretsmanager.SecretStringGenerator) => (prop: string) =>
    service(({ stack }) => ({ [prop]: new secretsmanager.Secret(stack, 'Password', { generateSecretString }) }));

  test.each<[string, secretsmanager.SecretStringGenerator, string]>([
    ['too short', { passwordLength: 15 }, 'with 15 characters, wanted at least 16: raise passwordLength'],
    [
      'as JSON',
      { secretStringTemplate: '{"user":"letta"}', generateStringKey: 'password' },
      "as JSON with the password under 'password', wanted the password as the whole value: leave secretStringTemplate",
    ],
    ['with blanks', { includeSpace: true }, 'with blanks, wanted none'],
  ])('that is generated %s fails', (_what, generator, message) => {
    for (const prop of ['apiPassword', 'administratorPassword']) {
      expect(() => generated(generator)(prop)).toThrow(`Test/Letta: ${prop} is generated ${message}`);
    }
  });

  test('may be generated with 16 characters, or as Secrets Manager does by itself', () => {
    expect(() => generated({ passwordLength: 16 })('apiPassword')).not.toThrow();
    expect(() => generated({})('apiPassword')).not.toThrow();
  });
});

test('accessLogsBucket fails with a KMS key, which load balancers do not use', () => {
  expect(() =>
    service(({ stack }) => ({
      accessLogsBucket: new s3.Bucket(stack, 'Bucket', { encryption: s3.BucketEncryption.KMS }),
    })),
  ).toThrow('Test/Letta: accessLogsBucket is encrypted with a KMS key, wanted one with keys of S3');
});

describe('roles', () => {
  const assumed = { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') };

  test('fail when they are one', () => {
    expect(() =>
      service(({ stack }) => {
        const role = new iam.Role(stack, 'Role', assumed);
        return { taskRole: role, executionRole: role };
      }),
    ).toThrow('Test/Letta: taskRole and executionRole are the same role, wanted two');
    const imported = (stack: Stack, id: string) =>
      iam.Role.fromRoleArn(stack, id, 'arn:aws:iam::111122223333:role/letta');
    expect(() =>
      service(({ stack }) => ({ taskRole: imported(stack, 'A'), executionRole: imported(stack, 'B') })),
    ).toThrow('are the same role');
  });

  test.each(['taskRole', 'executionRole'])('fail as %s of another account', (prop) => {
    expect(() =>
      inIreland(({ stack }) => ({
        [prop]: iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::444455556666:role/letta'),
      })),
    ).toThrow(`Test/Letta: ${prop} is of account '444455556666', wanted one of the stack's account '111122223333'`);
  });
});

describe('a role that was imported as immutable', () => {
  const ARN = 'arn:aws:iam::111122223333:role/brought';
  const warnings = (props: (stack: Stack) => Partial<LettaServiceProps>): string[] => {
    const { stack } = service(({ stack }) => props(stack));
    return warningsOf(stack.node.root as App).filter((warning) => warning.includes('Role'));
  };

  test.each(['taskRole', 'executionRole'])('as %s gives a warning: nothing is granted to it', (prop) => {
    const [warning, ...more] = warnings((stack) => ({
      [prop]: iam.Role.fromRoleArn(stack, 'Role', ARN, { mutable: false }),
    }));
    expect(more).toEqual([]);
    expect(warning).toContain(`${prop} was imported as immutable, so that nothing is granted to it`);
    expect(warning).toContain(`[ack: cdk-letta:LettaService.${prop}]`);
  });

  test('gives none when it takes policies, imported or made', () => {
    expect(warnings((stack) => ({ taskRole: iam.Role.fromRoleArn(stack, 'Role', ARN) }))).toEqual([]);
    const assumedBy = new iam.ServicePrincipal('ecs-tasks.amazonaws.com');
    expect(warnings((stack) => ({ taskRole: new iam.Role(stack, 'Role', { assumedBy }) }))).toEqual([]);
  });
});

describe('a log group', () => {
  const brought = service(({ stack }) => ({ logGroup: new logs.LogGroup(stack, 'OwnLogs') }));
  const template = brought.template();

  test('takes the logs of the tasks and of the migration, apart from each other', () => {
    expect(streamPrefixes(template)).toEqual(['migration', 'migration', 'task', 'task']);
    for (const definition of Object.values(template.findResources('AWS::ECS::TaskDefinition'))) {
      for (const container of definition.Properties.ContainerDefinitions) {
        expect(asText(container.LogConfiguration.Options['awslogs-group'])).toMatch(/^\$\{OwnLogs/);
      }
    }
    expect(Object.keys(template.findResources('AWS::Logs::LogGroup')).filter((id) => id.includes('Task'))).toEqual([]);
    expect(brought.service.logGroup.node.id).toBe('OwnLogs');
  });

  test("lets what watches the migration read the migration's streams only", () => {
    const [statement] = statementsOf(template, 'MigrationIsComplete').filter(
      ({ Action }) => Action === 'logs:GetLogEvents',
    );
    for (const stream of statement.Resource as unknown[]) {
      expect(asText(stream)).toMatch(/:\$\{OwnLogs\w+\}:log-stream:migration\/(letta|gateway)\/\*$/);
    }
  });

  function streamPrefixes(made: Template): string[] {
    return Object.values(made.findResources('AWS::ECS::TaskDefinition'))
      .flatMap(({ Properties }) => Properties.ContainerDefinitions)
      .map(({ LogConfiguration }) => LogConfiguration.Options['awslogs-stream-prefix'])
      .sort();
  }
});

describe('a security group', () => {
  test.each(['securityGroup', 'migrationSecurityGroup', 'loadBalancerSecurityGroup'])(
    'given as %s warns while it lets everything out',
    (prop) => {
      const groups: [string, (parts: Parts) => ec2.ISecurityGroup, boolean][] = [
        ['made open', ({ stack, vpc }) => new ec2.SecurityGroup(stack, 'Own', { vpc }), true],
        ['imported', ({ stack }) => ec2.SecurityGroup.fromSecurityGroupId(stack, 'Own', 'sg-0123456789abcdef0'), true],
        [
          'made closed',
          ({ stack, vpc }) => new ec2.SecurityGroup(stack, 'Own', { vpc, allowAllOutbound: false }),
          false,
        ],
        [
          'imported closed',
          ({ stack }) =>
            ec2.SecurityGroup.fromSecurityGroupId(stack, 'Own', 'sg-0123456789abcdef0', { allowAllOutbound: false }),
          false,
        ],
      ];
      for (const [what, group, warns] of groups) {
        const { warnings } = service((parts) => ({ [prop]: group(parts) }));
        const found = warnings().some((warning) => warning.includes(`${prop} lets everything out`));
        expect({ what, found }).toEqual({ what, found: warns });
      }
    },
  );

  test('that is imported closed gets the rules to what the tasks call', () => {
    const { template } = service(({ stack }) => ({
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Own', 'sg-0123456789abcdef0', {
        allowAllOutbound: false,
      }),
    }));
    for (const port of [5432, 6379]) {
      template().hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
        GroupId: 'sg-0123456789abcdef0',
        ToPort: port,
        DestinationSecurityGroupId: Match.anyValue(),
      });
    }
  });

  const imported = (stack: Stack, id: string): ec2.ISecurityGroup =>
    ec2.SecurityGroup.fromSecurityGroupId(stack, id, id, { allowAllOutbound: false });

  test('that is brought for the tasks is also that of the migration: none is made beside it', () => {
    const template = service(({ stack }) => ({ securityGroup: imported(stack, 'sg-tasks') })).template();
    template.hasResourceProperties('Custom::LettaMigration', { securityGroups: ['sg-tasks'] });
    const made = Object.keys(template.findResources('AWS::EC2::SecurityGroup'));
    expect(made.filter((id) => id.includes('Migration'))).toEqual([]);
  });

  test('that is brought for the migration is let to the database, and to nothing else', () => {
    const template = service(({ stack }) => ({
      securityGroup: imported(stack, 'sg-tasks'),
      migrationSecurityGroup: imported(stack, 'sg-migration'),
    })).template();
    template.hasResourceProperties('Custom::LettaMigration', { securityGroups: ['sg-migration'] });
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupEgress'));
    expect(
      rules
        .filter(({ Properties }) => Properties.GroupId === 'sg-migration')
        .map(({ Properties }) => Properties.ToPort),
    ).toEqual([5432]);
  });
});

test('a secret with a key of its own is a password as well as any', () => {
  expect(() =>
    service(({ stack }) => ({
      apiPassword: new secretsmanager.Secret(stack, 'Password', { encryptionKey: new kms.Key(stack, 'Key') }),
    })),
  ).not.toThrow();
});
