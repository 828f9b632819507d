import { Properties } from '../../lib/checks/template';
import { Mutant } from './mutant';

const arn = (id: string): Properties => ({ 'Fn::GetAtt': [id, 'Arn'] });

/** Gives the default app a tool sandbox as somebody would write it without this package's construct. */
export function addSandbox(mutant: Mutant): void {
  const { VpcId } = mutant.endpoint('secretsmanager').Properties;
  mutant.add('ToolsGroup', 'AWS::EC2::SecurityGroup', {
    GroupDescription: 'tools',
    VpcId,
    SecurityGroupEgress: [{ IpProtocol: 'icmp', FromPort: 252, ToPort: 86, CidrIp: '255.255.255.255/32' }],
  });
  mutant.add('ToolsRole', 'AWS::IAM::Role', {
    AssumeRolePolicyDocument: {
      Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    },
  });
  mutant.add('ToolsPolicy', 'AWS::IAM::Policy', {
    Roles: [{ Ref: 'ToolsRole' }],
    PolicyDocument: {
      Statement: [
        { Effect: 'Allow', Action: ['ec2:CreateNetworkInterface', 'ec2:DescribeSubnets'], Resource: '*' },
        { Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: arn('ToolsLogs') },
        { Effect: 'Deny', Action: '*', Resource: '*', Condition: { Null: { 'lambda:SourceFunctionArn': 'false' } } },
      ],
    },
  });
  mutant.add('ToolsLogs', 'AWS::Logs::LogGroup', { RetentionInDays: 30 });
  mutant.add('Tools', 'AWS::Lambda::Function', {
    PackageType: 'Image',
    Role: arn('ToolsRole'),
    Timeout: 65,
    TenancyConfig: { TenantIsolationMode: 'PER_TENANT' },
    LoggingConfig: { LogGroup: { Ref: 'ToolsLogs' } },
    VpcConfig: {
      SubnetIds: mutant.properties('AWS::ECS::Service').NetworkConfiguration.AwsvpcConfiguration.Subnets,
      SecurityGroupIds: [{ 'Fn::GetAtt': ['ToolsGroup', 'GroupId'] }],
    },
  });
  mutant.statements().push({ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: arn('Tools') });
  addEndpoint(mutant);
  tellGateway(mutant, { kind: 'function', timeoutSeconds: 60, maxRunsPerAgent: 4, allowedEndpoints: [] });
  mutant.variable('gateway', 'GATEWAY_LISTENERS', `${mutant.valueOf('gateway', 'GATEWAY_LISTENERS')},sandbox`);
  mutant.variable('gateway', 'GATEWAY_OPEN_ROUTES', 'customTools');
  mutant.variable('letta', 'E2B_DEBUG', 'true');
}

/** Writes the settings of the sandbox, whose function only CloudFormation can name. */
export function tellGateway(mutant: Mutant, settings: Properties): void {
  const [before, after] = JSON.stringify({ ...settings, functionArn: '|' }).split('|');
  mutant.variable('gateway', 'GATEWAY_SANDBOX', { 'Fn::Join': ['', [before, arn('Tools'), after]] });
}

/** The endpoint of Lambda, as those of other services stand there. */
function addEndpoint(mutant: Mutant): void {
  const { PolicyDocument, ...rest } = structuredClone(mutant.endpoint('secretsmanager').Properties);
  const [statement] = PolicyDocument.Statement;
  mutant.add('LambdaEndpoint', 'AWS::EC2::VPCEndpoint', {
    ...rest,
    ServiceName: { 'Fn::Join': ['', ['com.amazonaws.', { Ref: 'AWS::Region' }, '.lambda']] },
    PolicyDocument: {
      Statement: [{ ...statement, Action: 'lambda:InvokeFunction', Resource: arn('Tools') }],
    },
  });
}
