import { Account, arn } from './account';
import { BUCKET } from './fake-aws/s3';
import type { Resource, ResourceValues } from './template';

/** Names that AWS would give; tokens are signed for some of them, certificates made for others. */
export const Name = {
  DATABASE_HOST: `letta.c0ffee123456.${Account.REGION}.rds.amazonaws.com`,
  DATABASE_RESOURCE: 'db-LABLABLABLABLABLABLABLABLA',
  CACHE_HOST: 'master.lab-cache.c0ffee.use1.cache.amazonaws.com',
  CACHE: 'lab-cache',
  CLUSTER: 'lab',
  VPC: 'vpc-0ab1ab1ab1ab1ab1a',
} as const;

/** What the lab answers for `Ref` and `GetAtt` of the resources of our stack. */
export class LabValues implements ResourceValues {
  /** Attributes that custom resources returned. */
  readonly returned = new Map<string, Record<string, string>>();

  ref(id: string, { Type, Properties = {} }: Resource): unknown {
    switch (Type) {
      case 'AWS::ECS::TaskDefinition':
        return arn('ecs', `task-definition/${(Properties.Family as string | undefined) ?? id}:1`);
      case 'AWS::ECS::Cluster':
        return Name.CLUSTER;
      case 'AWS::ElastiCache::ReplicationGroup':
        return Name.CACHE;
      case 'AWS::EC2::VPC':
        return Name.VPC;
      case 'AWS::SecretsManager::Secret':
        return secretArn(id);
      case 'AWS::Logs::LogGroup':
        return logGroup(id);
      case 'AWS::S3::Bucket':
        return BUCKET;
      case 'AWS::IAM::Role':
      case 'AWS::Lambda::Function':
        return id;
      default:
        return undefined;
    }
  }

  attribute(id: string, name: string, { Type, Properties = {} }: Resource): unknown {
    const returned = this.returned.get(id);
    if (returned) return returned[name];
    switch (`${Type} ${name}`) {
      case 'AWS::IAM::Role Arn':
        return arn('iam', `role/${id}`, '');
      case 'AWS::Lambda::Function Arn':
        return arn('lambda', `function:${id}`);
      case 'AWS::BedrockAgentCore::CodeInterpreterCustom CodeInterpreterId':
        return codeInterpreterId(id);
      case 'AWS::BedrockAgentCore::CodeInterpreterCustom CodeInterpreterArn':
        return arn('bedrock-agentcore', `code-interpreter-custom/${codeInterpreterId(id)}`);
      case 'AWS::S3::Bucket Arn':
        return `arn:${Account.PARTITION}:s3:::${BUCKET}`;
      case 'AWS::ECS::Cluster Arn':
        return arn('ecs', `cluster/${Name.CLUSTER}`);
      case 'AWS::Logs::LogGroup Arn':
        return arn('logs', `log-group:${logGroup(id)}:*`);
      case 'AWS::RDS::DBInstance Endpoint.Address':
        return Name.DATABASE_HOST;
      case 'AWS::RDS::DBInstance Endpoint.Port':
        return String(Properties.Port ?? 5432);
      case 'AWS::RDS::DBInstance DbiResourceId':
        return Name.DATABASE_RESOURCE;
      case 'AWS::RDS::DBInstance MasterUserSecret.SecretArn':
        return secretArn(`rds!${id}`);
      case 'AWS::ElastiCache::ReplicationGroup PrimaryEndPoint.Address':
        return Name.CACHE_HOST;
      case 'AWS::EC2::SecurityGroup GroupId':
        return `sg-${id.toLowerCase()}`;
      default:
        return undefined;
    }
  }
}

/** Logical id of the role an ARN of ours names. */
export function roleOf(roleArn: string): string {
  return roleArn.split('role/')[1];
}

function secretArn(name: string): string {
  return arn('secretsmanager', `secret:${name}-LabLab`);
}

function codeInterpreterId(id: string): string {
  return `${id}-LabLabLabL`;
}

function logGroup(id: string): string {
  return `/lab/${id}`;
}
