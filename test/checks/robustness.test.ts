import * as fc from 'fast-check';
import { judgeTemplates } from '../../lib/checks/judge';
import { StackTemplate } from '../../lib/checks/template';
import { templatesOf } from './stacks';

const good = { default: templatesOf('default'), guarded: templatesOf('guarded'), tools: templatesOf('tools') };

/** What may stand anywhere in a template that somebody writes. */
const ODD: unknown[] = [
  undefined,
  null,
  '',
  'text',
  0,
  true,
  [],
  {},
  { Ref: 'Nobody' },
  { Ref: 'AWS::NoValue' },
  { 'Fn::GetAtt': 'Nobody.Arn' },
  { 'Fn::GetAtt': ['Nobody', 'Arn'] },
  { 'Fn::Sub': '${Nobody.Arn}' },
  { 'Fn::Sub': ['${Name}', { Name: { Ref: 'Nobody' } }] },
  { 'Fn::If': ['Some', { Ref: 'Nobody' }, { Ref: 'AWS::NoValue' }] },
  { 'Fn::If': ['Some', ['one'], ['two']] },
  { 'Fn::ImportValue': { 'Fn::Sub': '${AWS::StackName}-x' } },
  { 'Fn::GetStackOutput': { StackName: 'Elsewhere', OutputName: 'X' } },
  { 'Fn::FindInMap': ['Nowhere', { Ref: 'AWS::Region' }, 'x'] },
  { 'Fn::Join': [',', { Ref: 'Nobody' }] },
  { 'Fn::Split': [',', { Ref: 'Nobody' }] },
  { 'Fn::Transform': { Name: 'AWS::Include' } },
];

const typesIn = (stacks: StackTemplate[]): string[] =>
  Object.values(stacks.at(-1)!.template.Resources!).map(({ Type }) => Type);

type Node = Record<string, unknown>;

/** Every place of a template below a resource's type, as its holder and key. */
function places(stacks: StackTemplate[]): [holder: Node, key: string][] {
  const found: [Node, string][] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      found.push([value as Node, key]);
      walk((value as Node)[key]);
    }
  };
  for (const { template } of stacks)
    Object.values(template.Resources ?? {}).forEach(({ Properties }) => walk(Properties));
  return found;
}

test.each(Object.entries(good))(
  'whatever stands in a template, it is judged and not stumbled over: the %s app',
  (_name, stacks) => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(ODD.length - 1)), { minLength: 1, maxLength: 12 }),
        (replacements) => {
          const copy = structuredClone(stacks);
          const all = places(copy);
          for (const [at, odd] of replacements) {
            const [holder, key] = all[at % all.length];
            if (ODD[odd] === undefined) delete holder[key];
            else holder[key] = ODD[odd];
          }
          expect(() => judgeTemplates(copy)).not.toThrow();
        },
      ),
      { seed: 5, numRuns: 150 },
    );
  },
  120_000,
);

test.each([
  ['no stack at all', []],
  ['a template without resources', [{ stackName: 'Empty', template: {} }]],
  [
    'resources without properties',
    [
      {
        stackName: 'Bare',
        template: {
          Resources: Object.fromEntries(
            [...new Set([...typesIn(good.guarded), ...typesIn(good.tools)])].map((Type, index) => [
              `Bare${index}`,
              { Type },
            ]),
          ),
        },
      },
    ],
  ],
])('%s: judged as well', (_name, stacks) => {
  expect(() => judgeTemplates(stacks as StackTemplate[])).not.toThrow();
});

test.each(ODD.map((odd): [string, unknown] => [JSON.stringify(odd) ?? 'undefined', odd]))(
  'conditions and parameters that are written oddly are no reason to stumble: %s',
  (_name, odd) => {
    const copy = structuredClone(good.default);
    const template = copy.at(-1)!.template as Node;
    template.Parameters = { Odd: odd, Default: { Type: odd, Default: odd, AllowedValues: odd, NoEcho: odd } };
    template.Conditions = {
      Odd: odd,
      Equal: { 'Fn::Equals': odd },
      One: { 'Fn::And': [{ Condition: odd }, { 'Fn::Equals': [{ Ref: 'Default' }, odd] }] },
      Circle: { 'Fn::Or': [{ Condition: 'Circle' }, { 'Fn::Not': odd }] },
    };
    const choice = (name: unknown): Node => ({ 'Fn::If': [name, { Ref: 'Default' }, { Ref: 'Odd' }] });
    template.Outputs = Object.fromEntries(
      ['Odd', 'Equal', 'One', 'Circle', odd].map((name, index) => [`Out${index}`, { Value: choice(name) }]),
    );
    expect(() => judgeTemplates(copy)).not.toThrow();
  },
);
