import { allowFunction, connect, endpointGroup, interpreter } from './faults/sandbox-faults';
import { addSandbox, tellGateway } from './hand-made-sandbox';
import { Mutant } from './mutant';
import { Variation } from './variation';

const VARIATIONS: Variation[] = [
  { name: 'a tool sandbox that is made without the construct', change: () => undefined },
  {
    name: 'a function that tools may call',
    change: (mutant) => {
      allowFunction(mutant, 'arn:aws:lambda:us-east-1:111122223333:function:rates');
      connect(mutant, endpointGroup(mutant, 'lambda'), 443);
    },
  },
  {
    name: 'a function of the app that tools may call',
    change: (mutant) => {
      mutant.add('Rates', 'AWS::Lambda::Function', { Handler: 'index.handler' });
      allowFunction(mutant, { 'Fn::GetAtt': ['Rates', 'Arn'] });
      connect(mutant, endpointGroup(mutant, 'lambda'), 443);
    },
  },
  {
    name: 'an endpoint that tools may reach',
    change: (mutant) => {
      const settings = { kind: 'function', timeoutSeconds: 60, allowedEndpoints: ['rates.corp:443'] };
      tellGateway(mutant, settings);
      connect(mutant, mutant.taskGroup(), 3129);
    },
  },
  {
    name: "the code is refused everything by the function's ARN",
    change: (mutant) => {
      const policy = mutant.properties('AWS::IAM::Policy', (_policy, id) => id === 'ToolsPolicy');
      policy.PolicyDocument.Statement[2].Condition = {
        ArnEquals: { 'lambda:SourceFunctionArn': { 'Fn::GetAtt': ['Tools', 'Arn'] } },
      };
    },
  },
  {
    name: "AWS's managed policy for functions in a VPC, refused to the code",
    change: (mutant) => {
      mutant.properties('AWS::IAM::Role', (_role, id) => id === 'ToolsRole').ManagedPolicyArns = [
        'arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole',
      ];
    },
  },
  {
    name: 'the code is refused all but its log and one function, in two statements',
    change: (mutant) => {
      const policy = mutant.properties('AWS::IAM::Policy', (_policy, id) => id === 'ToolsPolicy');
      const rates = 'arn:aws:lambda:us-east-1:111122223333:function:rates';
      const { Condition } = policy.PolicyDocument.Statement.pop();
      const left = ['logs:CreateLogStream', 'logs:PutLogEvents', 'lambda:InvokeFunction'];
      const NotResource = [{ 'Fn::GetAtt': ['ToolsLogs', 'Arn'] }, rates];
      policy.PolicyDocument.Statement.push(
        { Effect: 'Deny', Action: left, NotResource, Condition },
        { Effect: 'Deny', NotAction: left, Resource: '*', Condition },
        { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: rates },
      );
      mutant.properties('AWS::IAM::Role', (_role, id) => id === 'ToolsRole').ManagedPolicyArns = [
        'arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole',
      ];
    },
  },
  { name: 'a code interpreter without a network', change: (mutant) => interpreter(mutant, 'SANDBOX') },
  {
    name: "another workload's function with an address, a file system and the internet",
    change: (mutant) => {
      mutant.add('Other', 'AWS::Lambda::Function', { FileSystemConfigs: [{ Arn: 'x', LocalMountPath: '/mnt/x' }] });
      mutant.add('OtherAddress', 'AWS::Lambda::Url', { AuthType: 'NONE', TargetFunctionArn: { Ref: 'Other' } });
    },
  },
];

/** Sandboxes that are right in another way. */
export const SANDBOX_VARIATIONS: Variation[] = VARIATIONS.map(({ name, change }) => ({
  name,
  change: (mutant: Mutant) => {
    addSandbox(mutant);
    change(mutant);
  },
}));
