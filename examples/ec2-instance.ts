import { App, Stack, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { BedrockAccess, BedrockModel, SealedNetwork } from '../lib';

/** Bedrock for software on an EC2 instance: its role may call these models, without any key on the machine and no way out. */
const app = new App();
const stack = new Stack(app, 'Instance');

const network = new SealedNetwork(stack, 'Network');
const securityGroup = new ec2.SecurityGroup(stack, 'SecurityGroup', { vpc: network.vpc, allowAllOutbound: false });
// EC2 opens a group that states no way out of its own, and the CDK states none once a rule to another group stands beside it:
// this one matches nothing.
(securityGroup.node.defaultChild as ec2.CfnSecurityGroup).addPropertyOverride('SecurityGroupEgress', [
  { CidrIp: '255.255.255.255/32', Description: 'Disallow all traffic', IpProtocol: 'icmp', FromPort: 252, ToPort: 86 },
]);
const instance = new ec2.Instance(stack, 'Instance', {
  vpc: network.vpc,
  vpcSubnets: network.subnets,
  securityGroup,
  instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.SMALL),
  machineImage: ec2.MachineImage.latestAmazonLinux2023({ cpuType: ec2.AmazonLinuxCpuType.ARM_64 }),
  blockDevices: [{ deviceName: '/dev/xvda', volume: ec2.BlockDeviceVolume.ebs(16, { encrypted: true }) }],
  detailedMonitoring: true,
  httpTokens: ec2.HttpTokens.REQUIRED,
  disableApiTermination: true,
});

const bedrock = new BedrockAccess(stack, 'Bedrock', {
  models: [BedrockModel.GLOBAL_CLAUDE_SONNET_4_6],
  embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
  // Credentials of the instance's role are then refused elsewhere.
  sourceVpc: network.vpc,
});
bedrock.grantInvoke(instance);
// The network gets the endpoints of these calls, and no others.
network.serve({ connections: instance.connections, awsCalls: bedrock.awsCalls });

// For who runs cdk-nag over it.
Validations.of(instance).acknowledge({
  id: 'AwsSolutions-IAM5[Resource::*]',
  reason: 'AWS cannot restrict bedrock:ListInferenceProfiles to a resource',
});
for (const standard of ['NIST.800.53.R5', 'HIPAA.Security', 'PCI.DSS.321']) {
  Validations.of(instance).acknowledge({
    id: `${standard}-IAMNoInlinePolicy`,
    reason: 'the policy names the models of one role and lives and dies with it',
  });
}
