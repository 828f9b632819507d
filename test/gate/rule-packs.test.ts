jest.mock('aws-cdk-lib', () => jest.requireActual('./example-apps').keepingApps(jest.requireActual('aws-cdk-lib')));
import { App, Validations } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { LettaBedrockStack } from '../../lib';
import { testApp } from '../lib/support';
import { gateApps } from './apps';
import { CHOICES, NOT_GIVEN } from './choices';
import { generatedPart } from './generated-part';
import { Acknowledgement, acknowledgementsAt, PACK_NAMES, PACKS, ruleFindings } from './rule-packs';
import { reportFigure } from './figures';

const apps = gateApps();
const findings = new Map(apps.map(([name, app]) => [name, ruleFindings(app)]));

/** The default stack where no feature flag is set. */
const plain = testApp();
const plainStack = new LettaBedrockStack(plain, 'LettaBedrockStack', { http: true });
const plainFindings = ruleFindings(plain);

/** `LambdaDLQ` of `HIPAA.Security-LambdaDLQ`, `IAM5` of `AwsSolutions-IAM5[Resource::*]`. */
const ruleOf = (id: string): string => /-([^[]+)/.exec(id)![1];

function written(app: App): { at: string; id: string; reason: string }[] {
  return app.node
    .findAll()
    .flatMap((scope) =>
      Object.entries(acknowledgementsAt(scope)).map(([id, reason]) => ({ at: scope.node.path, id, reason })),
    )
    .filter(({ id }) => PACK_NAMES.some((pack) => id.startsWith(pack)));
}

test.each(apps.map(([name]) => name))(
  '%s has no finding of AwsSolutions, NIST 800-53 R5, HIPAA or PCI DSS but those that a prop it does not give would close',
  (name) => {
    const { open } = findings.get(name)!;
    const unanswered = open.filter(({ id }) => !(NOT_GIVEN[name] ?? []).includes(CHOICES[ruleOf(id)]));
    expect(unanswered).toEqual([]);
    const missing = new Set(open.map(({ id }) => CHOICES[ruleOf(id)]));
    expect([...missing].sort()).toEqual(NOT_GIVEN[name]);
  },
);

test('feature flags make no difference to what is found', () => {
  const ids = ({ open }: { open: { id: string; path: string }[] }) =>
    open.map(({ id, path }) => `${id} ${path}`).sort();
  expect(ids(plainFindings)).toEqual(ids(findings.get('the default stack')!));
});

test('acknowledges no more than it means: a finding of its owner still shows', () => {
  new s3.Bucket(plainStack, 'Bucket');
  expect(ruleFindings(plain).open).toContainEqual({
    id: 'AwsSolutions-S1',
    path: 'LettaBedrockStack/Bucket/Resource',
  });
});

test('every acknowledgement answers a finding', () => {
  const answered = new Set<string>();
  for (const { acknowledged } of [...findings.values(), plainFindings]) {
    for (const { at, id } of acknowledged) answered.add(`${at} ${ruleOf(id)}`);
  }
  const idle = apps.flatMap(([, app]) => written(app).filter(({ at, id }) => !answered.has(`${at} ${ruleOf(id)}`)));
  expect(idle).toEqual([]);
});

test('every acknowledgement has a reason of its own words', () => {
  const reasons = apps.flatMap(([, app]) => written(app)).map(({ reason }) => reason);
  expect(reasons.length).toBeGreaterThan(0);
  for (const reason of reasons) expect(reason.split(' ').length).toBeGreaterThan(5);
});

test('docs/security.md lists every acknowledgement with its reason', () => {
  const all = [...apps.map(([name]): [string, Acknowledgement[]] => [name, findings.get(name)!.acknowledged])];
  all.push(['the default stack', plainFindings.acknowledged]);
  const rows = new Map<string, { rules: Set<string>; places: Set<string> }>();
  for (const [app, acknowledged] of all) {
    for (const { id, at, reason } of acknowledged) {
      const row = rows.get(reason) ?? { rules: new Set(), places: new Set() };
      rows.set(reason, row);
      row.rules.add(ruleOf(id));
      const [stack, ...path] = at.split('/');
      row.places.add(app.startsWith('examples/ec2') ? `${app}: ${at}` : path.join('/') || stack);
    }
  }
  reportFigure('acknowledgements', rows.size);
  const code = (values: Set<string>) =>
    [...values]
      .sort()
      .map((value) => `\`${value}\``)
      .join(', ');
  const lines = [...rows].map(([reason, { rules, places }]) => `| ${code(rules)} | ${code(places)} | ${reason} |`);
  const table = ['| rule | acknowledged at | reason |', '| --- | --- | --- |', ...lines.sort()];
  const { inDocument, generated } = generatedPart('docs/security.md', 'acknowledgements', table);
  expect(inDocument).toEqual(generated);
});

test('docs/security.md lists what is left to the deployer, and the prop', () => {
  const rows = Object.entries(CHOICES).map(([rule, prop]) => `| \`${rule}\` | \`${prop}\` |`);
  const table = ['| rule | closed by |', '| --- | --- |', ...rows];
  const { inDocument, generated } = generatedPart('docs/security.md', 'choices', table);
  expect(inDocument).toEqual(generated);
});

test('as plugins, as a user adds them, the packs let the example for production pass and stop the default stack', () => {
  const synth = (app: App) => {
    Validations.of(app).addPlugins(...PACKS.map((Pack) => new Pack(app)));
    return app.synth();
  };
  expect(synth(new Map(apps).get('examples/production.ts')!).stacks).toHaveLength(2);
  expect(() => synth(plain)).toThrow('HIPAA.Security-CloudWatchLogGroupEncrypted');
});
