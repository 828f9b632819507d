import { CfnResource, Fn, Lazy, Stack } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import { AwsCall, AwsService } from '../../lib';
import { endpointStatement, refersElsewhere } from '../../lib/private/endpoint-policy';
import { isAllowed, Statement } from '../lab/iam-policy';
import { testApp } from './support';

const ENV = { account: '111122223333', region: 'eu-west-1' };
const ORGANIZATION = 'o-a1b2c3d4e5';
const stack = new Stack(testApp(), 'Test', { env: ENV });

const ACTIONS = ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret', 'secretsmanager:PutSecretValue'];
const SECRETS = ['one-AbCdEf', 'two-AbCdEf', 'three-AbCdEf'].map(
  (name) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}`,
);
const OURS = {
  'aws:PrincipalAccount': ENV.account,
  'aws:PrincipalOrgID': ORGANIZATION,
  'aws:ResourceOrgID': ORGANIZATION,
};

const call: fc.Arbitrary<AwsCall> = fc.record({
  service: fc.constant(AwsService.SECRETS_MANAGER),
  actions: fc.uniqueArray(fc.constantFrom(...ACTIONS), { minLength: 1 }),
  resources: fc.uniqueArray(fc.constantFrom(...SECRETS), { minLength: 1 }),
  awsOwned: fc.boolean(),
});

function policy(calls: AwsCall[], organizationId?: string): Statement[] {
  return calls.map((one) => stack.resolve(endpointStatement(stack, one, organizationId).toStatementJson()));
}

test('what is stated is let through, and nothing else is', () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 4 }), fc.option(fc.constant(ORGANIZATION)), (calls, organizationId) => {
      const statements = policy(calls, organizationId ?? undefined);
      for (const action of ACTIONS) {
        for (const resource of SECRETS) {
          const stated = calls.some((one) => one.actions.includes(action) && one.resources.includes(resource));
          expect(isAllowed(statements, { action, resource, context: OURS })).toBe(stated);
        }
      }
    }),
    { numRuns: 200, seed: 5 },
  );
});

test('who is of another account or organization is never let through', () => {
  const stranger = fc.constantFrom(
    { ...OURS, 'aws:PrincipalAccount': '444455556666' },
    { ...OURS, 'aws:PrincipalOrgID': 'o-0123456789' },
    { 'aws:PrincipalAccount': ENV.account },
    {},
  );
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 4 }), stranger, (calls, context) => {
      const statements = policy(calls, ORGANIZATION);
      const [{ actions, resources }] = calls;
      expect(isAllowed(statements, { action: actions[0], resource: resources[0], context })).toBe(false);
    }),
    { numRuns: 100, seed: 5 },
  );
});

test('a resource of another organization is let through only where it is AWS’s', () => {
  const context = { ...OURS, 'aws:ResourceOrgID': 'o-0123456789' };
  for (const awsOwned of [true, false]) {
    const one = { service: AwsService.SECRETS_MANAGER, actions: [ACTIONS[0]], resources: [SECRETS[0]], awsOwned };
    const request = { action: ACTIONS[0], resource: SECRETS[0], context };
    expect(isAllowed(policy([one], ORGANIZATION), request)).toBe(awsOwned);
  }
});

describe('a reference to another stack is seen', () => {
  const app = testApp();
  const [here, there] = ['Here', 'There'].map((id) => new Stack(app, id));
  const resource = (scope: Stack): CfnResource => new CfnResource(scope, 'Resource', { type: 'Test::Type' });
  const [own, foreign] = [resource(here), resource(there)];

  test.each<[string, string, boolean]>([
    ['a literal', 'arn:aws:s3:::bucket/*', false],
    ['a pseudo parameter', `arn:${here.partition}:s3:::bucket-${here.region}/*`, false],
    ['an own attribute', own.getAtt('Arn').toString(), false],
    ['another stack’s attribute', foreign.getAtt('Arn').toString(), true],
    ['one within text', `arn:aws:s3:::${foreign.ref}/*`, true],
    ['one within a function', Fn.select(0, Fn.split('/', foreign.ref)), true],
    ['one that is lazy', Lazy.string({ produce: () => foreign.ref }), true],
  ])('in %s', (_what, value, elsewhere) => {
    expect(refersElsewhere(value, here)).toBe(elsewhere);
  });
});
