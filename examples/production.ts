import { App, Duration, PermissionsBoundary, Stack, Validations } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as sns from 'aws-cdk-lib/aws-sns';
import {
  BedrockModel,
  LettaBackup,
  LettaBedrockStack,
  LettaChecks,
  LettaExport,
  LogDataProtection,
  WebAcl,
} from '../lib';

/**
 * What a regulated company would deploy: one key of its own for everything, a guardrail that IAM demands of every chat call,
 * models that stay in Europe, AWS WAF, endpoints closed to other organizations, roles within a boundary, backups in a locked
 * vault with copies in another region, every agent as a file in a locked bucket. The rule packs of cdk-nag (AwsSolutions, NIST 800-53 R5, HIPAA, PCI DSS) find nothing in it.
 */
const app = new App();
Validations.of(app).addPlugins(new LettaChecks());
const env = { account: '111122223333', region: 'eu-central-1' };
const domainName = 'letta.corp.example.com';

const names = new Stack(app, 'Names', { env, terminationProtection: true });
const hostedZone = route53.HostedZone.fromHostedZoneAttributes(names, 'Zone', {
  hostedZoneId: 'Z0123456789ABCDEFGHIJ',
  zoneName: 'corp.example.com',
});
const certificate = new acm.Certificate(names, 'Certificate', {
  domainName,
  validation: acm.CertificateValidation.fromDns(hostedZone),
});

const stack = new LettaBedrockStack(app, 'Letta', {
  env,
  terminationProtection: true,
  permissionsBoundary: PermissionsBoundary.fromName('workloads'),

  certificate,
  domainName,
  hostedZone,
  webAcl: WebAcl.managed(),
  loadBalancerDeletionProtection: true,

  models: [BedrockModel.EU_CLAUDE_SONNET_4_6, BedrockModel.EU_CLAUDE_HAIKU_4_5],
  modelRegions: [
    'eu-central-1',
    'eu-central-2',
    'eu-north-1',
    'eu-south-1',
    'eu-south-2',
    'eu-west-1',
    'eu-west-2',
    'eu-west-3',
  ],
  guardrailFilters: {},

  customerManagedKey: true,
  organizationId: 'o-abcde12345',
  logRetention: logs.RetentionDays.ONE_YEAR,
  logDataProtection: LogDataProtection.credentialsAndPersonalData(),
});
stack.service.allowFrom(ec2.Peer.ipv4('10.20.0.0/16'), 'office');

new LettaBackup(stack, 'Backup', {
  database: stack.ownDatabase!,
  encryptionKey: stack.encryptionKey,
  vaultLock: { minRetention: Duration.days(7) },
  copyToVaultArns: ['arn:aws:backup:eu-west-1:111122223333:backup-vault:letta-copies'],
});

const agentFiles = new LettaExport(stack, 'Export', {
  service: stack.service,
  retention: Duration.days(90),
  sourceVpc: stack.network!.vpc,
});
// Also a task that never started is told of.
const noExport = agentFiles.metricExportComplete({ period: Duration.days(1) }).createAlarm(stack, 'NoExport', {
  threshold: 1,
  evaluationPeriods: 1,
  comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
  treatMissingData: cloudwatch.TreatMissingData.BREACHING,
});
const onCall = sns.Topic.fromTopicArn(stack, 'OnCall', 'arn:aws:sns:eu-central-1:111122223333:on-call');
noExport.addAlarmAction(new actions.SnsAction(onCall));
