import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { LettaBedrockStack, LettaBedrockStackProps, SealedNetwork } from '../../lib';
import { asText, Template, testApp } from './support';

const ENV = { account: '111122223333', region: 'us-east-1' };
const ARN = 'arn:aws:iam::111122223333:role/letta';
const ECS = new iam.ServicePrincipal('ecs-tasks.amazonaws.com');

interface Deployed {
  readonly app: App;
  readonly foundation: Stack;
  readonly letta: LettaBedrockStack;
}

/** A Letta stack with what stands, or was imported, in a stack of its own. */
function withFoundation(props: (foundation: Stack) => LettaBedrockStackProps): Deployed {
  const app = testApp();
  const foundation = new Stack(app, 'Foundation', { env: ENV });
  const letta = new LettaBedrockStack(app, 'Letta', { env: ENV, http: true, ...props(foundation) });
  return { app, foundation, letta };
}

/** Templates by stack, and the stacks that each waits for. */
function synthesize({ app, foundation, letta }: Deployed): {
  foundation: Template;
  letta: Template;
  order: Record<string, string[]>;
} {
  app.synth();
  const order = [foundation, letta].map((stack) => [stack.node.id, stack.dependencies.map(({ node }) => node.id)]);
  return {
    foundation: Template.fromStack(foundation),
    letta: Template.fromStack(letta),
    order: Object.fromEntries(order),
  };
}

/** Actions that a role gets by the policies of a template. */
function actionsOf(template: Template, roleName: string): string[] {
  return Object.values(template.findResources('AWS::IAM::Policy'))
    .filter(({ Properties }) => Properties.Roles.includes(roleName))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .flatMap(({ Action }) => Action);
}

const importedVpc = (stack: Stack): ec2.IVpc =>
  ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['us-east-1a', 'us-east-1b'],
    isolatedSubnetIds: ['subnet-1', 'subnet-2'],
  });

describe('a role that was imported in another stack', () => {
  test.each<[string, string, (stack: Stack) => LettaBedrockStackProps]>([
    ['executionRole', 'ecr:BatchGetImage', () => ({})],
    ['taskRole', 'bedrock:InvokeModel', () => ({})],
    ['taskRole', 'bedrock:InvokeModel', (stack) => ({ vpc: importedVpc(stack) })],
    ['taskRole', 'bedrock:InvokeModel', (stack) => ({ network: new SealedNetwork(stack, 'Network') })],
    ['executionRole', 'ecr:BatchGetImage', (stack) => ({ network: new SealedNetwork(stack, 'Network') })],
  ])('as %s gets its policy in the stack whose tasks need it', (prop, action, others) => {
    const { foundation, letta, order } = synthesize(
      withFoundation((stack) => ({ [prop]: iam.Role.fromRoleArn(stack, 'Role', ARN), ...others(stack) })),
    );
    expect(actionsOf(letta, 'letta')).toContain(action);
    expect(actionsOf(foundation, 'letta')).toEqual([]);
    expect(order.Foundation).toEqual([]);
    const definitions = Object.values(letta.findResources('AWS::ECS::TaskDefinition')).map((each) => each.Properties);
    const roles = definitions.map((each) => each[prop === 'taskRole' ? 'TaskRoleArn' : 'ExecutionRoleArn']);
    expect(roles).toContain(ARN);
  });

  test('with a path keeps it in its ARN', () => {
    const role = (stack: Stack) => iam.Role.fromRoleArn(stack, 'Role', ARN.replace('role/', 'role/teams/'));
    const { letta } = synthesize(withFoundation((stack) => ({ taskRole: role(stack) })));
    letta.hasResourceProperties('AWS::ECS::TaskDefinition', { TaskRoleArn: ARN.replace('role/', 'role/teams/') });
    expect(actionsOf(letta, 'letta')).toContain('bedrock:InvokeModel');
  });

  test('by its name is one as well', () => {
    const { letta } = synthesize(
      withFoundation((stack) => ({ taskRole: iam.Role.fromRoleName(stack, 'Role', 'letta') })),
    );
    const [policy] = Object.values(letta.findResources('AWS::IAM::Policy')).filter(({ Properties }) =>
      JSON.stringify(Properties.PolicyDocument).includes('bedrock:InvokeModel'),
    );
    expect(policy.Properties.Roles).toEqual(['letta']);
  });

  test('as immutable stays so', () => {
    const { foundation, letta } = synthesize(
      withFoundation((stack) => ({ taskRole: iam.Role.fromRoleArn(stack, 'Role', ARN, { mutable: false }) })),
    );
    expect([...actionsOf(letta, 'letta'), ...actionsOf(foundation, 'letta')]).toEqual([]);
    letta.hasResourceProperties('AWS::ECS::TaskDefinition', { TaskRoleArn: ARN });
  });
});

test.each(['taskRole', 'executionRole'])(
  '%s fails when it is made in another stack, and the error says how to give it',
  (prop) => {
    expect(() => withFoundation((stack) => ({ [prop]: new iam.Role(stack, 'Role', { assumedBy: ECS }) }))).toThrow(
      `Letta/Service: ${prop} is made in the stack 'Foundation', wanted one of 'Letta' or an imported one`,
    );
  },
);

describe('a security group of another stack', () => {
  const closed = { allowAllOutbound: false };
  const portsOf = (template: Template, group: RegExp): number[] =>
    Object.values(template.findResources('AWS::EC2::SecurityGroupEgress'))
      .filter(({ Properties }) => group.test(asText(Properties.GroupId)))
      .map(({ Properties }) => Properties.ToPort)
      .sort();

  test('that is made beside its network gets its rules in the stack of the tasks', () => {
    const made = synthesize(
      withFoundation((stack) => {
        const network = new SealedNetwork(stack, 'Network');
        const group = (id: string) => new ec2.SecurityGroup(stack, id, { vpc: network.vpc, ...closed });
        return { network, securityGroup: group('Tasks'), loadBalancerSecurityGroup: group('LoadBalancer') };
      }),
    );
    expect(made.order).toEqual({ Foundation: [], Letta: ['Foundation'] });
    expect(portsOf(made.letta, /Foundation.*Tasks/)).toEqual(expect.arrayContaining([443, 5432, 6379]));
    expect(portsOf(made.letta, /Foundation.*LoadBalancer/)).toHaveLength(1);
  });

  test('that was imported there gets them as well, and nobody waits for that stack', () => {
    const made = synthesize(
      withFoundation((stack) => ({
        vpc: importedVpc(stack),
        securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Tasks', 'sg-tasks', closed),
      })),
    );
    expect(made.order.Foundation).toEqual([]);
    expect(portsOf(made.letta, /^sg-tasks$/)).toEqual(expect.arrayContaining([5432, 6379]));
    expect(portsOf(made.foundation, /./)).toEqual([]);
  });

  test('that was imported as immutable gets none', () => {
    const made = synthesize(
      withFoundation((stack) => ({
        vpc: importedVpc(stack),
        securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Tasks', 'sg-tasks', { ...closed, mutable: false }),
      })),
    );
    expect([...portsOf(made.letta, /^sg-tasks$/), ...portsOf(made.foundation, /./)]).toEqual([]);
  });
});
