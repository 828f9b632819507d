import { Template } from 'aws-cdk-lib/assertions';
import { LettaBedrockStack, ToolSandbox } from '../../lib';
import { testApp } from '../lib/support';
import { monthlyPrice } from './endpoint-prices';
import { reportFigure } from './figures';
import { generatedPart } from './generated-part';
import { Architecture, functionPrice, interpreterPrice } from './tool-prices';

const RUNS = 1000;
const SECONDS = [0.1, 1, 10];
const stack = new LettaBedrockStack(testApp(), 'Letta', { http: true, customTools: ToolSandbox.function() });
const template = Template.fromStack(stack);
const [{ MemorySize: memory }] = Object.values(
  template.findResources('AWS::Lambda::Function', {
    Properties: { TenancyConfig: { TenantIsolationMode: 'PER_TENANT' } },
  }),
).map(({ Properties }) => Properties as { MemorySize: number });

test('the document has the price of 1,000 runs of tools', () => {
  const row = (name: string, price: (seconds: number) => number): string =>
    `| ${name} | ${SECONDS.map((seconds) => `$${price(seconds).toFixed(4)}`).join(' | ')} |`;
  const ofFunction = (architecture: Architecture, mb: number) => (seconds: number) =>
    functionPrice(RUNS, mb, seconds, architecture);
  const lines = [
    `| 1,000 runs, us-east-1, November 2026 | ${SECONDS.map((seconds) => `${seconds} s each`).join(' | ')} |`,
    '|---|---|---|---|',
    row(`function, x86, ${memory} MiB (default)`, ofFunction('x86', memory)),
    row(`function, Arm, ${memory} MiB (default)`, ofFunction('arm', memory)),
    row('function, Arm, 2048 MiB', ofFunction('arm', 2048)),
    row('code interpreter, one busy vCPU, 2 GB', (seconds) =>
      // Billed by the second, one at least.
      interpreterPrice({ busy: RUNS * Math.max(seconds, 1), idle: 0 }, 2),
    ),
    '',
    `The endpoint through which the gateway calls the sandbox costs $${monthlyPrice(1, 1).toFixed(2)} a month and zone.`,
  ];
  const { inDocument, generated } = generatedPart('docs/tools.md', 'prices', lines);
  expect(inDocument).toBe(generated);
  reportFigure('microdollars-of-1000-tool-runs', Math.round(ofFunction('x86', memory)(1) * 1_000_000));
});

test('prices are as their tables say', () => {
  expect(functionPrice(1_000_000, 1024, 1, 'x86')).toBeCloseTo(0.2 + 16.6667, 4);
  expect(functionPrice(1_000_000, 1024, 1, 'arm')).toBeCloseTo(0.2 + 13.3334, 4);
  expect(functionPrice(1, 1024, 0.0001, 'x86')).toBeCloseTo(functionPrice(1, 1024, 0.001, 'x86'), 12);
  expect(interpreterPrice({ busy: 3600, idle: 0 }, 1)).toBeCloseTo(0.09895, 6);
});

test('a sandbox costs one endpoint more', () => {
  const names = Object.values(template.findResources('AWS::EC2::VPCEndpoint')).filter(
    ({ Properties }) => Properties.VpcEndpointType === 'Interface',
  );
  expect(names).toHaveLength(7);
});
