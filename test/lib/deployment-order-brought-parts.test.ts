import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { LettaServiceProps } from '../../lib';
import { service } from './letta-service-support';
import { Template } from './support';
import { TemplateGraph } from './template-graph';

const ARN = 'arn:aws:iam::111122223333:role/letta';

const graphOf = (template: Template): TemplateGraph => new TemplateGraph(template.toJSON().Resources);
const withRole = (prop: string, role: (stack: Stack) => iam.IRole): TemplateGraph =>
  graphOf(service(({ stack }): Partial<LettaServiceProps> => ({ [prop]: role(stack) })).template());

const made = (stack: Stack): iam.IRole =>
  new iam.Role(stack, 'Brought', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') });
const imported = (stack: Stack): iam.IRole => iam.Role.fromRoleArn(stack, 'Brought', ARN);

describe.each([
  ['made', made],
  ['imported', imported],
])('the policy of a role that is %s in the same stack stands', (_how, role) => {
  test.each([
    ['executionRole', 'migration', 'Custom::LettaMigration'],
    ['executionRole', 'service', 'AWS::ECS::Service'],
    ['taskRole', 'service', 'AWS::ECS::Service'],
  ])('as %s before the %s starts a task', (prop, _step, type) => {
    const graph = withRole(prop, role);
    const [policy] = graph.ids('AWS::IAM::Policy').filter((id) => id.startsWith('Brought'));
    expect(policy).toBeDefined();
    expect([...graph.before(graph.id(type))]).toContain(policy);
    expect(graph.cycles()).toEqual([]);
  });
});
