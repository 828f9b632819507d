import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { BedrockAccess, BedrockModel } from '../lib';

/** Bedrock for software on an EC2 instance: its role may call these models, without any key on the machine. */
const app = new App();
const stack = new Stack(app, 'Instance');

const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 });
const instance = new ec2.Instance(stack, 'Instance', {
  vpc,
  instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.SMALL),
  machineImage: ec2.MachineImage.latestAmazonLinux2023({ cpuType: ec2.AmazonLinuxCpuType.ARM_64 }),
});
new BedrockAccess(stack, 'Bedrock', {
  models: [BedrockModel.GLOBAL_CLAUDE_SONNET_4_6],
  embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
}).grantInvoke(instance);
