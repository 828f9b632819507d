import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate';
import fc from 'fast-check';
import { isAllowed, type Statement } from '../lab/iam-policy';
import { ACCOUNT, type Deployment } from './deployment';
import { hardenedDeployment, toolDeployment } from './deployments';
import { allActions, reachableActions, resourceForms } from './iam-actions';
import { inventory } from './sweep';

/** The lab judges every call of the running task by its own evaluator; it must say what IAM's simulator says. */
function simulated(
  statements: Statement[],
  action: string,
  resource: string,
  context: Record<string, string>,
): boolean {
  const answer = runUnsafeSimulation(
    {
      request: {
        principal: `arn:aws:iam::${ACCOUNT}:role/lab`,
        action,
        resource: { resource, accountId: ACCOUNT },
        contextVariables: context,
      },
      identityPolicies: [{ name: 'lab', policy: { Version: '2012-10-17', Statement: statements } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  return answer === 'Allowed';
}

const segment = fc.constantFrom('a', 'b', 'ab', 'a*', '?b', '*', 'a?', 'A');
const operator = fc.constantFrom('StringEquals', 'StringLike', 'StringEqualsIfExists', 'StringLikeIfExists');
const key = fc.constantFrom('bedrock:InferenceProfileArn', 'bedrock:GuardrailIdentifier', 'aws:SourceVpc');
const values = fc.oneof(segment, fc.uniqueArray(segment, { minLength: 1, maxLength: 3 }));
const condition = fc.dictionary(operator, fc.dictionary(key, values, { minKeys: 1, maxKeys: 2 }), { maxKeys: 2 });
const nullCondition = fc.record({
  Null: fc.dictionary(key, fc.constantFrom('true', 'false'), { minKeys: 1, maxKeys: 1 }),
});
const action = fc.constantFrom(
  'svc:Get*',
  'svc:GetOne',
  'svc:getone',
  'svc:*',
  '*',
  'svc:GetTwo',
  'other:GetOne',
  'svc:Get?ne',
);
const resource = fc
  .tuple(segment, segment)
  .map(([first, second]) => `arn:aws:svc:us-east-1:${ACCOUNT}:thing/${first}/${second}`);
const actions = fc.oneof(action, fc.uniqueArray(action, { minLength: 1, maxLength: 2 }));
const resources = fc.oneof(fc.constant('*'), resource, fc.uniqueArray(resource, { minLength: 1, maxLength: 2 }));
const seldom = fc.constantFrom(false, false, false, false, true);
const statement: fc.Arbitrary<Statement> = fc
  .record(
    {
      Effect: fc.constantFrom('Allow', 'Allow', 'Allow', 'Deny'),
      actions,
      resources,
      allActionsBut: seldom,
      allResourcesBut: seldom,
      Condition: fc.oneof(condition, nullCondition),
    },
    { requiredKeys: ['Effect', 'actions', 'resources', 'allActionsBut', 'allResourcesBut'] },
  )
  .map(({ actions: these, resources: on, allActionsBut, allResourcesBut, ...rest }) => ({
    ...rest,
    [allActionsBut ? 'NotAction' : 'Action']: these,
    [allResourcesBut ? 'NotResource' : 'Resource']: on,
  }));
const plain = fc.constantFrom('a', 'b', 'ab', 'aab', 'A');

describe("the lab's evaluator", () => {
  test('agrees with the simulator on any policy that it knows', () => {
    let allowed = 0;
    const asked = fc.record({
      statements: fc.array(statement, { minLength: 1, maxLength: 4 }),
      name: fc.constantFrom('svc:GetOne', 'svc:GetTwo', 'other:GetOne', 'svc:PutOne'),
      target: fc.tuple(plain, plain),
      context: fc.dictionary(key, plain, { maxKeys: 3 }),
    });
    fc.assert(
      fc.property(asked, ({ statements, name, target, context }) => {
        const arn = `arn:aws:svc:us-east-1:${ACCOUNT}:thing/${target.join('/')}`;
        const verdict = isAllowed(statements, { action: name, resource: arn, context });
        allowed += Number(verdict);
        expect(verdict).toBe(simulated(statements, name, arn, { ...context }));
      }),
      { numRuns: 1000, seed: 5 },
    );
    // Both would agree on refusing everything too.
    expect(allowed).toBeGreaterThan(150);
  });

  test.each<[string, Deployment, number, number]>([
    ['the hardened stack', hardenedDeployment(), 3_000, 100],
    ['a stack with an opened tool sandbox', toolDeployment('opened'), 3_000, 100],
  ])(
    'agrees with the simulator on every role and endpoint of %s, each action, each resource',
    async (...[, deployment, least, leastAllowed]) => {
      const actions = await allActions();
      let [asked, allowed] = [0, 0];
      const disagreements: string[] = [];
      const targets = inventory(deployment).map(({ arn }) => arn);
      const documents = [
        ...deployment.roles().map(({ identity }) => identity),
        ...deployment.endpoints().map(({ policy }) => [policy!]),
      ];
      for (const policies of documents) {
        const statements = policies.flatMap(({ Statement }) => Statement) as unknown as Statement[];
        const withoutPrincipal = statements.map(({ Principal: _, ...rest }) => rest);
        // The simulator asks keys' own policies too, which the lab has none of.
        for (const name of reachableActions(policies, actions).filter((able) => !able.startsWith('kms:'))) {
          const forms = await resourceForms(name);
          const fitting = targets.filter((target) => forms.some((form) => form.test(target)));
          for (const arn of forms.length === 0 ? ['*'] : fitting) {
            for (const context of contexts(statements)) {
              const verdict = isAllowed(statements, { action: name, resource: arn, context });
              const agreed = verdict === simulated(withoutPrincipal, name, arn, context);
              if (!agreed) disagreements.push(`${name} ${arn} ${JSON.stringify(context)}: ${verdict}`);
              asked += 1;
              allowed += Number(verdict);
            }
          }
        }
      }
      expect(disagreements).toEqual([]);
      expect(asked).toBeGreaterThan(least);
      expect(allowed).toBeGreaterThan(leastAllowed);
    },
    60_000,
  );
});

const MARK = 'lambda:SourceFunctionArn';

/** No context at all, and the values that the statements ask for: the first of each key, and the last. */
function contexts(statements: Statement[]): Record<string, string>[] {
  const pairs = statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Condition = {} }) => Object.values(Condition))
    .flatMap((keys) => Object.entries(keys).map(([name, wanted]) => [name, [wanted].flat()[0]] as const));
  const wanted = pairs.length === 0 ? [{}] : [{}, Object.fromEntries(pairs), Object.fromEntries([...pairs].reverse())];
  if (!JSON.stringify(statements).includes(MARK)) return distinct(wanted);
  // What code of a function asks carries its mark.
  const mark = { [MARK]: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:some` };
  return distinct([...wanted, ...wanted.map((context) => ({ ...context, ...mark }))]);
}

function distinct(all: Record<string, string>[]): Record<string, string>[] {
  const written = (context: object): string => JSON.stringify(Object.entries(context).sort());
  return [...new Map(all.map((context) => [written(context), context])).values()];
}
