import type { Resource, ResourceValues } from '../lab/template';

/** What AWS would answer for `Ref` and `GetAtt`, in the forms of the Service Authorization Reference. */
export class AccountValues implements ResourceValues {
  constructor(
    private readonly account: string,
    private readonly region: string,
    private readonly exports: (name: string) => unknown = () => undefined,
  ) {}

  ref(id: string, { Type, Properties = {} }: Resource): unknown {
    const lower = id.toLowerCase();
    switch (Type) {
      case 'AWS::IAM::Role':
      case 'AWS::Lambda::Function':
      case 'AWS::ECS::Cluster':
        return id;
      case 'AWS::Logs::LogGroup':
        return Properties.LogGroupName ?? `/deployed/${id}`;
      case 'AWS::S3::Bucket':
      case 'AWS::ECR::Repository':
      case 'AWS::ElastiCache::ReplicationGroup':
      case 'AWS::RDS::DBInstance':
        return lower;
      case 'AWS::EC2::VPC':
        return `vpc-${lower}`;
      case 'AWS::EC2::VPCEndpoint':
        return `vpce-${lower}`;
      case 'AWS::EC2::Subnet':
        return `subnet-${lower}`;
      case 'AWS::EC2::SecurityGroup':
        return `sg-${lower}`;
      case 'AWS::KMS::Key':
        return lower;
      case 'AWS::SecretsManager::Secret':
        return this.arn('secretsmanager', `secret:${id}-AbCdEf`);
      case 'AWS::ECS::TaskDefinition':
        return this.arn('ecs', `task-definition/${String(Properties.Family ?? id)}:1`);
      case 'AWS::StepFunctions::StateMachine':
        return this.arn('states', `stateMachine:${id}`);
      case 'AWS::IAM::ManagedPolicy':
        return this.arn('iam', `policy/${id}`, '');
      default:
        return undefined;
    }
  }

  attribute(id: string, name: string, resource: Resource): unknown {
    const own = String(this.ref(id, resource) ?? id);
    switch (`${resource.Type} ${name}`) {
      case 'AWS::IAM::Role Arn':
        return this.arn('iam', `role/${id}`, '');
      case 'AWS::Lambda::Function Arn':
        return this.arn('lambda', `function:${id}`);
      case 'AWS::ECS::Cluster Arn':
        return this.arn('ecs', `cluster/${id}`);
      case 'AWS::Logs::LogGroup Arn':
        return this.arn('logs', `log-group:${own}:*`);
      case 'AWS::S3::Bucket Arn':
        return `arn:aws:s3:::${own}`;
      case 'AWS::ECR::Repository Arn':
        return this.arn('ecr', `repository/${own}`);
      case 'AWS::KMS::Key Arn':
        return this.arn('kms', `key/${own}`);
      case 'AWS::StepFunctions::StateMachine Arn':
        return own;
      case 'AWS::RDS::DBInstance DbiResourceId':
        return 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ';
      case 'AWS::RDS::DBInstance DBInstanceArn':
        return this.arn('rds', `db:${own}`);
      case 'AWS::RDS::DBInstance MasterUserSecret.SecretArn':
        return this.arn('secretsmanager', `secret:rds!db-${id}-AbCdEf`);
      case 'AWS::RDS::DBInstance Endpoint.Port':
        return String(resource.Properties?.Port ?? 5432);
      case 'AWS::ElastiCache::ReplicationGroup ReadEndPoint.Port':
      case 'AWS::ElastiCache::ReplicationGroup PrimaryEndPoint.Port':
        return String(resource.Properties?.Port ?? 6379);
      case 'AWS::Bedrock::Guardrail GuardrailArn':
        return this.arn('bedrock', `guardrail/${id.toLowerCase()}`);
      case 'AWS::Bedrock::Guardrail GuardrailId':
        return id.toLowerCase();
      case 'AWS::Bedrock::GuardrailVersion Version':
        return '1';
      case 'AWS::BedrockAgentCore::CodeInterpreterCustom CodeInterpreterArn':
        return this.arn('bedrock-agentcore', `code-interpreter-custom/${id.toLowerCase()}`);
      case 'AWS::BedrockAgentCore::CodeInterpreterCustom CodeInterpreterId':
        return id.toLowerCase();
      case 'AWS::EC2::VPC DefaultSecurityGroup':
        return `sg-default-${id.toLowerCase()}`;
      case 'AWS::EC2::VPC CidrBlock':
        return resource.Properties?.CidrBlock;
      case 'AWS::EC2::VPC VpcId':
      case 'AWS::EC2::SecurityGroup GroupId':
        return own;
      default:
        return undefined;
    }
  }

  imported(name: string): unknown {
    return this.exports(name);
  }

  private arn(service: string, resource: string, region = this.region): string {
    return `arn:aws:${service}:${region}:${this.account}:${resource}`;
  }
}
