import { RetentionVariable } from '../../../runtime/contract';
import { retentionPolicy } from '../../../runtime/functions/retention-policy';

const GOOD = {
  [RetentionVariable.MAXIMUM_AGE]: '7776000',
  [RetentionVariable.HELD_AGENTS]: 'agent-1,agent-2',
  [RetentionVariable.HOLD_TAG]: 'legal-hold',
  [RetentionVariable.DRY_RUN]: 'false',
};

const before = process.env;
afterEach(() => (process.env = before));

function policyOf(changes: Record<string, string | undefined>) {
  process.env = { ...GOOD, ...changes };
  for (const [name, value] of Object.entries(changes)) if (value === undefined) delete process.env[name];
  return retentionPolicy();
}

test('the policy is read from the environment', () => {
  expect(policyOf({})).toEqual({
    maximumAgeSeconds: 7776000,
    heldAgents: ['agent-1', 'agent-2'],
    holdTag: 'legal-hold',
    dryRun: false,
  });
  expect(policyOf({ [RetentionVariable.HELD_AGENTS]: '' }).heldAgents).toEqual([]);
});

test.each([
  ['less than a day', RetentionVariable.MAXIMUM_AGE, '86399', "is '86399', wanted whole seconds from 86400"],
  ['no number', RetentionVariable.MAXIMUM_AGE, '90 days', "is '90 days', wanted whole seconds"],
  ['no age', RetentionVariable.MAXIMUM_AGE, undefined, 'is not set'],
  ['neither dry nor not', RetentionVariable.DRY_RUN, 'yes', "is 'yes', wanted true or false"],
  ['nothing about a dry run', RetentionVariable.DRY_RUN, undefined, 'is not set'],
  ['nothing about who is held', RetentionVariable.HELD_AGENTS, undefined, 'is not set'],
  ['no tag of those held', RetentionVariable.HOLD_TAG, '', 'is not set'],
])('fails on %s, naming the variable', (_, name, value, message) => {
  expect(() => policyOf({ [name]: value })).toThrow(
    new RegExp(`environment variable ${name} .*${message.slice(0, 40)}`),
  );
});
