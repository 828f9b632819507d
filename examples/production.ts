import { App, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import {
  BedrockAccess,
  BedrockModel,
  Guardrail,
  LettaCache,
  LettaDatabase,
  LettaService,
  SealedNetwork,
  WebAcl,
} from '../lib';

/**
 * What a regulated company would deploy: one key of its own for everything, a guardrail that IAM demands of every chat call,
 * models that stay in Europe, AWS WAF, endpoints closed to other organizations. The rule packs of cdk-nag (AwsSolutions,
 * NIST 800-53 R5, HIPAA, PCI DSS) find nothing in it.
 */
const app = new App();
const stack = new Stack(app, 'Agents', { env: { region: 'eu-central-1' }, terminationProtection: true });

const encryptionKey = new kms.Key(stack, 'Key', { description: 'Letta at rest', enableKeyRotation: true });
const logRetention = logs.RetentionDays.ONE_YEAR;

const network = new SealedNetwork(stack, 'Network', {
  ipAddresses: ec2.IpAddresses.cidr('10.60.0.0/16'),
  organizationId: 'o-abcde12345',
  encryptionKey,
  logRetention,
});
const { vpc, subnets: vpcSubnets } = network;

const bedrock = new BedrockAccess(stack, 'Bedrock', {
  models: [BedrockModel.EU_CLAUDE_SONNET_4_6, BedrockModel.EU_CLAUDE_HAIKU_4_5],
  embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
  guardrail: new Guardrail(stack, 'Guardrail', { encryptionKey }),
});
const database = new LettaDatabase(stack, 'Database', { vpc, vpcSubnets, encryptionKey, logRetention });
const service = new LettaService(stack, 'Service', {
  vpc,
  vpcSubnets,
  database,
  cache: new LettaCache(stack, 'Cache', { vpc, vpcSubnets, encryptionKey }),
  bedrock,
  encryptionKey,
  logRetention,
  certificate: acm.Certificate.fromCertificateArn(
    stack,
    'Certificate',
    'arn:aws:acm:eu-central-1:111122223333:certificate/00000000-1111-2222-3333-444444444444',
  ),
  domainName: 'letta.corp.example.com',
  hostedZone: route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'corp.example.com',
  }),
  webAcl: WebAcl.managed(),
  loadBalancerDeletionProtection: true,
});

// The network gets the endpoints of these two's calls; both wait for them.
network.serve(database.setupClient);
network.serve(service);
database.startsAfter(network);
service.startsAfter(network);
service.allowFrom(ec2.Peer.ipv4('10.20.0.0/16'), 'office');
