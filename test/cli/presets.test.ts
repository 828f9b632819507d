import { spawnSync } from 'child_process';
import * as path from 'path';
import { Template } from 'aws-cdk-lib/assertions';
import { Estimate, estimate } from '../../cli/cost/estimate';
import { PriceTable } from '../../cli/cost/price-table';
import { Synthesized, readAssembly } from '../../cli/synthesized';
import { LettaBedrockStack } from '../../lib';
import { generatedPart } from '../gate/generated-part';
import { CDK_JSON_CONTEXT, testApp } from '../lib/support';
import { temporaryFolder } from './support';

const table = PriceTable.read();
const TURN = { inputTokens: 8000, outputTokens: 300, calls: 1 };

/** Rows of the document, by how names in the price table begin. */
const ROWS: Record<string, RegExp> = {
  'tasks (Fargate)': /^fargate\//,
  'database (RDS for PostgreSQL)': /^rds\//,
  'cache (ElastiCache)': /^elasticache\//,
  'endpoints of the sealed network': /^vpc-endpoint\//,
  'load balancer': /^alb\//,
  secrets: /^secrets-manager\//,
};

function estimated(stack: Synthesized): Estimate {
  return estimate(stack, { region: 'us-east-1', table, turn: TURN });
}

function development(): Estimate {
  const root = path.resolve(__dirname, '../..');
  const { status, stderr } = spawnSync('node', ['-r', './tools/ts-register.js', 'examples/development.ts'], {
    cwd: root,
    encoding: 'utf8',
    env: {
      ...process.env,
      CDK_OUTDIR: assembly,
      CDK_VALIDATION: 'false',
      CDK_CONTEXT_JSON: JSON.stringify(CDK_JSON_CONTEXT),
    },
  });
  expect({ status, stderr: status ? stderr : '' }).toEqual({ status: 0, stderr: '' });
  return estimated(readAssembly(assembly));
}

function production(): Estimate {
  const { Resources } = Template.fromStack(
    new LettaBedrockStack(testApp(CDK_JSON_CONTEXT), 'LettaBedrockStack', { http: true }),
  ).toJSON();
  return estimated({ name: 'LettaBedrockStack', file: '', resources: Resources });
}

const assembly = temporaryFolder();
const presets = [development(), production()];
const dollars = (amount: number): string => `$${amount.toFixed(2)}`;

test('the README says what development and production cost, as the command does', () => {
  const of = ({ fixed }: Estimate, pattern: RegExp): string =>
    dollars(fixed.filter(({ price }) => pattern.test(price)).reduce((sum, { monthly }) => sum + monthly, 0));
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  const lines = [
    line(['a month in us-east-1, at least', 'development', 'production']),
    '|---|---|---|',
    ...Object.entries(ROWS).map(([name, pattern]) => line([name, ...presets.map((preset) => of(preset, pattern))])),
    line(['**together**', ...presets.map(({ monthly }) => `**${dollars(monthly.least)}**`)]),
    line(['with the storage as large as it may grow', ...presets.map(({ monthly }) => dollars(monthly.most))]),
    line([
      '1,000 turns of the default model',
      ...presets.map(({ models: [{ model, per1000Turns }] }) => `${dollars(per1000Turns!)} (\`${model}\`)`),
    ]),
  ];
  const { inDocument, generated } = generatedPart('README.md', 'costs', lines);
  expect(inDocument).toBe(generated);
});

test('every fixed cost of both is in a row', () => {
  for (const { fixed, monthly } of presets) {
    const inRows = fixed.filter(({ price }) => Object.values(ROWS).some((pattern) => pattern.test(price)));
    expect(inRows.reduce((sum, each) => sum + each.monthly, 0)).toBeCloseTo(monthly.least, 6);
  }
});

test('nothing of them is of unknown price but the names that the DNS firewall holds', () => {
  for (const { unknown } of presets) {
    expect(unknown.filter(({ why }) => !why.includes('dns-firewall/domain-month'))).toEqual([]);
  }
});

test('every model that they call has a price', () => {
  for (const { models } of presets) {
    expect(models.length).toBeGreaterThan(0);
    expect(models.filter(({ per1000Turns }) => per1000Turns === undefined)).toEqual([]);
  }
});
