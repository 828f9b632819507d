import { LettaBedrockStack } from '../../lib';
import { Template as Synthesized, testApp } from '../lib/support';
import { hostsInVpc } from './hosts';
import { LabValues } from './resource-values';
import { serviceGroups } from './security-groups';
import { Template } from './template';

const stack = new LettaBedrockStack(testApp(), 'LettaBedrockStack', { http: true });
const template = new Template(Synthesized.fromStack(stack).toJSON() as never, '', new LabValues());
const AWS = ['bedrock', 'bedrock-runtime', 'kms', 'logs', 'secretsmanager'].map(
  (service) => `${service}.us-east-1.amazonaws.com`,
);

/** Names that lead somewhere, by their first parts. */
function reached(groups: string[]): string[] {
  const lines = hostsInVpc(template, AWS, groups).trim().split('\n');
  return lines.filter((line) => line.startsWith('10.')).map((line) => line.split(' ')[1].split('.')[0]);
}

function groupsOf(type: string, part: string, property: (properties: Record<string, never>) => string[]): string[] {
  const [[id]] = template.ofType(type).filter(([id]) => id.includes(part));
  return property(template.properties(id));
}

test('the service is led to what its security group is let to', () => {
  expect(reached(serviceGroups(template))).toEqual([
    'bedrock',
    'bedrock-runtime',
    'logs',
    'secretsmanager',
    'letta',
    'master',
  ]);
});

test('the migration is led to its logs and the database, neither to models, passwords nor the cache', () => {
  const groups = groupsOf('Custom::LettaMigration', '', ({ securityGroups }) => securityGroups);
  expect(reached(groups)).toEqual(['logs', 'letta']);
});

test('the set-up function is led to the master password and the database', () => {
  const groups = groupsOf(
    'AWS::Lambda::Function',
    'DatabaseSetupStepFunction',
    ({ VpcConfig }) => (VpcConfig as { SecurityGroupIds: string[] }).SecurityGroupIds,
  );
  expect(reached(groups)).toEqual(['secretsmanager', 'letta']);
});

test('who is in none of the groups is led nowhere', () => {
  expect(reached(['sg-stranger'])).toEqual([]);
});
