import { App, Stack, Validations } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import {
  AwsService,
  BedrockAccess,
  BedrockModel,
  EndpointSource,
  LettaCache,
  LettaChecks,
  LettaDatabase,
  LettaService,
  VpcEndpoints,
} from '../lib';

/** Single constructs in a network that a platform team already has, with endpoints and a database of its own. */
const app = new App();
Validations.of(app).addPlugins(new LettaChecks());
const stack = new Stack(app, 'Agents', { env: { account: '111122223333', region: 'us-east-1' } });

const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
  vpcId: 'vpc-0123456789abcdef0',
  availabilityZones: ['us-east-1a', 'us-east-1b'],
  isolatedSubnetIds: ['subnet-0aaaaaaaaaaaaaaaa', 'subnet-0bbbbbbbbbbbbbbbb'],
  isolatedSubnetRouteTableIds: ['rtb-0aaaaaaaaaaaaaaaa', 'rtb-0bbbbbbbbbbbbbbbb'],
});

// The team's endpoints share one security group; Bedrock's are not among them, so they are made.
const theirs = EndpointSource.imported(
  ec2.SecurityGroup.fromSecurityGroupId(stack, 'Endpoints', 'sg-0123456789abcdef0'),
);
const endpoints = new VpcEndpoints(stack, 'AwsEndpoints', {
  vpc,
  sources: [AwsService.ECR_API, AwsService.ECR_DOCKER, AwsService.LOGS, AwsService.SECRETS_MANAGER, AwsService.S3].map(
    (service) => ({ service, source: theirs }),
  ),
  organizationId: 'o-a1b2c3d4e5',
  s3PrefixListId: 'pl-63a5400a',
});

const database = LettaDatabase.fromLettaDatabaseAttributes(stack, 'Database', {
  host: 'letta.abcdefghijkl.us-east-1.rds.amazonaws.com',
  resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'DatabaseGroup', 'sg-0aaaaaaaaaaaaaaaa'),
  maxConnections: 450,
});
const cache = new LettaCache(stack, 'Cache', { vpc });

const service = new LettaService(stack, 'Service', {
  vpc,
  database,
  cache,
  bedrock: new BedrockAccess(stack, 'Bedrock', {
    models: [BedrockModel.US_CLAUDE_SONNET_4_6],
    embeddings: [BedrockModel.COHERE_EMBED_MULTILINGUAL_V3],
    // Bedrock's endpoints are made here, with private names: calls must come through them.
    sourceVpc: vpc,
  }),
  certificate: acm.Certificate.fromCertificateArn(
    stack,
    'Certificate',
    'arn:aws:acm:us-east-1:111122223333:certificate/00000000-1111-2222-3333-444444444444',
  ),
});
endpoints.serve(service);
service.startsAfter(endpoints);
service.allowFrom(ec2.SecurityGroup.fromSecurityGroupId(stack, 'Clients', 'sg-0bbbbbbbbbbbbbbbb'));
