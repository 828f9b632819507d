import { Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { IAwsClient } from '../../lib';
import { containers, environment, service } from './letta-service-support';
import { asText, Match } from './support';

describe('the service', () => {
  const template = service().template();

  test('runs two tasks, keeps two while it rolls, and rolls back by itself', () => {
    template.hasResourceProperties('AWS::ECS::Service', {
      DesiredCount: 2,
      HealthCheckGracePeriodSeconds: 180,
      AvailabilityZoneRebalancing: 'ENABLED',
      EnableExecuteCommand: false,
      DeploymentConfiguration: {
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
      NetworkConfiguration: {
        AwsvpcConfiguration: { AssignPublicIp: 'DISABLED', Subnets: [Match.anyValue(), Match.anyValue()] },
      },
    });
  });

  test('has a cluster with container insights', () => {
    template.hasResourceProperties('AWS::ECS::Cluster', {
      ClusterSettings: [{ Name: 'containerInsights', Value: 'enabled' }],
    });
  });

  test('has a password of 48 letters and digits in Secrets Manager', () => {
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      GenerateSecretString: { PasswordLength: 48, ExcludePunctuation: true },
    });
  });

  test('keeps its logs for three months, and when the stack goes', () => {
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 });
    template.allResources('AWS::Logs::LogGroup', { DeletionPolicy: 'Retain' });
  });
});

describe('the load balancer', () => {
  const template = service().template();

  test('is internal, drops invalid headers, waits ten minutes and logs access', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Scheme: 'internal',
      LoadBalancerAttributes: Match.arrayWith([
        { Key: 'idle_timeout.timeout_seconds', Value: '600' },
        { Key: 'routing.http.drop_invalid_header_fields.enabled', Value: 'true' },
        { Key: 'access_logs.s3.enabled', Value: 'true' },
      ]),
    });
  });

  test("asks for Letta's health without a redirect and lets running turns end", () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      HealthCheckPath: '/v1/health/',
      Matcher: { HttpCode: '200' },
      Port: 8283,
      TargetType: 'ip',
      TargetGroupAttributes: Match.arrayWith([{ Key: 'deregistration_delay.timeout_seconds', Value: '600' }]),
    });
  });

  test('writes access logs to a bucket of its own, encrypted by S3, by TLS only', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      // What somebody overwrites or deletes is kept as an older version, for as long as the rest.
      VersioningConfiguration: { Status: 'Enabled' },
      LifecycleConfiguration: {
        Rules: [{ ExpirationInDays: 90, NoncurrentVersionExpiration: { NoncurrentDays: 90 }, Status: 'Enabled' }],
      },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 's3:PutObject',
            Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
          }),
        ]),
      }),
    });
  });

  test('is protected against deletion when asked to be', () => {
    const protectedService = service({ loadBalancerDeletionProtection: true }).template();
    const protection = (value: string) => ({
      LoadBalancerAttributes: Match.arrayWith([{ Key: 'deletion_protection.enabled', Value: value }]),
    });
    protectedService.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', protection('true'));
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', protection('false'));
  });

  test('lets nobody in before allowFrom', () => {
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'));
    expect(rules.map(({ Properties }) => Properties.FromPort).sort()).toEqual([5432, 5432, 6379, 8283]);
    for (const group of Object.values(template.findResources('AWS::EC2::SecurityGroup'))) {
      expect(group.Properties.SecurityGroupIngress).toBeUndefined();
    }
  });

  test('lets in whom allowFrom names, on its own port', () => {
    const { service: letta, template: opened } = service();
    letta.allowFrom(ec2.Peer.ipv4('10.1.0.0/16'), 'office');
    opened().hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [
        { CidrIp: '10.1.0.0/16', Description: 'office', FromPort: 80, IpProtocol: 'tcp', ToPort: 80 },
      ],
    });
  });

  test.each([
    ['IPv4', ec2.Peer.anyIpv4(), '0.0.0.0/0'],
    ['IPv6', ec2.Peer.anyIpv6(), '::/0'],
    ['a range of nothing', ec2.Peer.ipv4('10.0.0.0/0'), '10.0.0.0/0'],
  ])('lets nobody name everybody: %s', (_what, peer, range) => {
    expect(() => service().service.allowFrom(peer)).toThrow(
      `Test/Letta: allowFrom opens the API to everybody (${range}), wanted the networks that clients come from`,
    );
  });

  test.each([
    [undefined, 'HTTP', undefined, 'false'],
    [elbv2.ApplicationProtocol.HTTP, 'HTTP', undefined, 'false'],
    [elbv2.ApplicationProtocol.HTTPS, 'HTTPS', 'HTTPS', 'true'],
  ])(
    'with targetProtocol %s speaks %s to the tasks, also for their health',
    (targetProtocol, protocol, health, tls) => {
      const made = service({ targetProtocol }).template();
      made.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
        Protocol: protocol,
        HealthCheckProtocol: health ?? Match.absent(),
        Port: 8283,
      });
      expect(environment(containers(made).gateway).GATEWAY_API_TLS).toBe(tls);
    },
  );

  test('serves HTTPS with a certificate', () => {
    const { service: letta, template: https } = service(({ stack }) => ({
      http: undefined,
      certificate: acm.Certificate.fromCertificateArn(
        stack,
        'Certificate',
        'arn:aws:acm:us-east-1:111122223333:certificate/x',
      ),
    }));
    letta.allowFrom(ec2.Peer.ipv4('10.1.0.0/16'));
    https().hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      Protocol: 'HTTPS',
      SslPolicy: Match.stringLikeRegexp('TLS13'),
    });
    expect(asText(Stack.of(letta).resolve(letta.url))).toMatch(/^https:/);
  });
});

describe('security groups', () => {
  test('are closed both ways but for what is named', () => {
    const template = service().template();
    const egress = Object.values(template.findResources('AWS::EC2::SecurityGroupEgress'));
    const flows = egress.map(({ Properties: rule }) => `${asText(rule.GroupId)} ${rule.ToPort}`);
    expect(flows.sort()).toEqual([
      expect.stringMatching(/LettaLoadBalancer.* 8283$/),
      expect.stringMatching(/LettaMigrationSecurityGroup.* 5432$/),
      expect.stringMatching(/LettaSecurityGroup.* 5432$/),
      expect.stringMatching(/LettaSecurityGroup.* 6379$/),
    ]);
    // EC2 lets a group without any inline outbound rule out everywhere: one that matches nothing stays in each.
    for (const group of Object.values(template.findResources('AWS::EC2::SecurityGroup'))) {
      expect(group.Properties.SecurityGroupEgress).toMatchObject([
        { CidrIp: '255.255.255.255/32', IpProtocol: 'icmp' },
      ]);
    }
  });

  test('of the migration lets nobody in, and out to the database alone', () => {
    const template = service().template();
    const rules = (type: string): string[] =>
      Object.values(template.findResources(type))
        .filter(({ Properties: rule }) => asText(rule.GroupId).includes('LettaMigrationSecurityGroup'))
        .map(({ Properties: rule }) => `${rule.Description} ${asText(rule.DestinationSecurityGroupId)} ${rule.ToPort}`);
    expect(rules('AWS::EC2::SecurityGroupIngress')).toEqual([]);
    expect(rules('AWS::EC2::SecurityGroupEgress')).toEqual([
      expect.stringMatching(/^Letta migration to its database \$\{DatabaseGroup.* 5432$/),
    ]);
    template.hasResourceProperties('Custom::LettaMigration', {
      securityGroups: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('^LettaMigrationSecurityGroup'), 'GroupId'] }],
    });
  });
});

describe('what is asked of AWS', () => {
  const called = ({ awsCalls }: IAwsClient): string[] => [...new Set(awsCalls.map((call) => call.service.name))].sort();
  const { service: letta, stack } = service();

  test('by the tasks: images, logs, passwords, models', () => {
    expect(called(letta)).toEqual(['bedrock', 'bedrock-runtime', 'ecr.api', 'ecr.dkr', 'logs', 's3', 'secretsmanager']);
  });

  test('by the migration: images and its own logs', () => {
    expect(called(letta.migrationClient)).toEqual(['ecr.api', 'ecr.dkr', 'logs', 's3']);
    const groups = ({ awsCalls }: IAwsClient): string[] =>
      awsCalls
        .filter(({ service: { name } }) => name === 'logs')
        .flatMap(({ resources }) => resources.map((arn) => asText(stack.resolve(arn))));
    expect(groups(letta.migrationClient)).toEqual([expect.stringMatching(/LettaMigrationTaskLogs/)]);
    expect(groups(letta)).toEqual([expect.stringMatching(/LettaTaskLogs/)]);
  });
});
