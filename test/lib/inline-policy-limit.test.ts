import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { BedrockAccess, BedrockModel, Guardrail } from '../../lib';
import { service } from './letta-service-support';
import { Template } from './support';

const ENV = { account: '111122223333', region: 'eu-central-1' };
const ARN = 'arn:aws:iam::111122223333:role/letta';
const ECS = new iam.ServicePrincipal('ecs-tasks.amazonaws.com');

const MODELS = [
  BedrockModel.EU_CLAUDE_HAIKU_4_5,
  BedrockModel.EU_CLAUDE_OPUS_4_5,
  BedrockModel.EU_CLAUDE_OPUS_4_6,
  BedrockModel.EU_CLAUDE_SONNET_4_5,
  BedrockModel.EU_CLAUDE_SONNET_4_6,
  BedrockModel.EU_NOVA_LITE,
  BedrockModel.EU_NOVA_MICRO,
  BedrockModel.EU_NOVA_PRO,
  BedrockModel.EU_PIXTRAL_LARGE,
];

function withModels(count: number, taskRole: (stack: Stack) => iam.IRole): () => Template {
  return service(
    ({ stack, vpc }) => ({
      taskRole: taskRole(stack),
      bedrock: new BedrockAccess(stack, 'ManyModels', {
        models: MODELS.slice(0, count),
        embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
        guardrail: new Guardrail(stack, 'Guardrail'),
        sourceVpc: vpc,
      }),
    }),
    undefined,
    ENV,
  ).template;
}

const imported = (stack: Stack): iam.IRole => iam.Role.fromRoleArn(stack, 'Brought', ARN);

test.each([7, 9])('%i models with a guardrail are more than the inline policy of an imported role takes', (count) => {
  expect(withModels(count, imported)).toThrow(
    /\[Test\/Letta\] what taskRole needs is an inline policy of 1\d{4} characters or more, wanted 10240 at most/,
  );
});

test('six are not', () => {
  const policies = Object.values(withModels(6, imported)().findResources('AWS::IAM::Policy'));
  expect(policies.filter(({ Properties }) => Properties.Roles.includes('letta'))).toHaveLength(1);
});

test.each<[string, (stack: Stack) => iam.IRole]>([
  ['a role that is made, whose policy the CDK divides', (stack) => new iam.Role(stack, 'Brought', { assumedBy: ECS })],
  ['a role that is immutable', (stack) => iam.Role.fromRoleArn(stack, 'Brought', ARN, { mutable: false })],
])('%s takes nine', (_what, role) => {
  expect(withModels(9, role)).not.toThrow();
});
