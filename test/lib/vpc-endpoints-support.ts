import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsCall, AwsService, IAwsClient, VpcEndpoints, VpcEndpointsProps } from '../../lib';
import { asText, Template, testApp } from './support';

export const ENV = { account: '111122223333', region: 'eu-west-1' };
export const SECRET = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:one-AbCdEf';
export const PREFIX_LIST = 'pl-6da54004';

export const readSecret: AwsCall = {
  service: AwsService.SECRETS_MANAGER,
  actions: ['secretsmanager:GetSecretValue'],
  resources: [SECRET],
};
export const listProfiles: AwsCall = {
  service: AwsService.BEDROCK,
  actions: ['bedrock:ListInferenceProfiles'],
  resources: ['*'],
};
export const invokeModel: AwsCall = {
  service: AwsService.BEDROCK_RUNTIME,
  actions: ['bedrock:InvokeModel'],
  resources: ['arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-embed-text-v2:0'],
  awsOwned: true,
};
export const readLayers: AwsCall = {
  service: AwsService.S3,
  actions: ['s3:GetObject'],
  resources: ['arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*'],
  awsOwned: true,
  presigned: true,
};
export const readBucket: AwsCall = {
  service: AwsService.S3,
  actions: ['s3:GetObject'],
  resources: ['arn:aws:s3:::ours/*'],
};

/** Endpoints in a VPC of two zones, and clients of theirs. */
export class Fixture {
  readonly app: App = testApp();
  readonly stack = new Stack(this.app, 'Test', { env: ENV });
  readonly vpc: ec2.IVpc;
  readonly endpoints: VpcEndpoints;

  constructor(props: Partial<VpcEndpointsProps> = {}, vpc?: (stack: Stack) => ec2.IVpc) {
    this.vpc = (vpc ?? twoZones)(this.stack);
    this.endpoints = new VpcEndpoints(this.stack, 'Endpoints', {
      vpc: this.vpc,
      s3PrefixListId: PREFIX_LIST,
      ...props,
    });
  }

  client(id: string, ...awsCalls: AwsCall[]): IAwsClient {
    return { connections: group(this.stack, id, this.vpc).connections, awsCalls };
  }

  serve(...awsCalls: AwsCall[]): this {
    this.endpoints.serve(this.client('Client', ...awsCalls));
    return this;
  }

  get template(): Template {
    return Template.fromStack(this.stack);
  }
}

export function twoZones(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-west-1a', 'eu-west-1b'],
    isolatedSubnetIds: ['subnet-a', 'subnet-b'],
    isolatedSubnetRouteTableIds: ['rtb-a', 'rtb-b'],
  });
}

export function group(stack: Stack, id: string, vpc: ec2.IVpc): ec2.SecurityGroup {
  return new ec2.SecurityGroup(stack, id, { vpc, allowAllOutbound: false });
}

/** Statements of an endpoint's policy, by the last part of its service's name. */
export function policyOf(template: Template, name: string): Record<string, unknown>[] {
  const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint'));
  const found = endpoints.filter((e) => asText(e.Properties.ServiceName).endsWith(`.${name}`));
  expect(found).toHaveLength(1);
  return found[0].Properties.PolicyDocument.Statement;
}

export function namesOf(template: Template): string[] {
  const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint'));
  return endpoints.map((e) => asText(e.Properties.ServiceName).split('.').slice(3).join('.')).sort();
}
