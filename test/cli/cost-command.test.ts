import * as fs from 'fs';
import * as path from 'path';
import { Resource } from '../../cli/synthesized';
import { command, temporaryFolder, writeAssembly } from './support';

const folder = temporaryFolder();
const TASK: Record<string, Resource> = {
  Task: {
    Type: 'AWS::ECS::TaskDefinition',
    Properties: {
      Cpu: '1024',
      Memory: '2048',
      ContainerDefinitions: [
        {
          Name: 'gateway',
          Environment: [
            {
              Name: 'GATEWAY_CHAT_MODELS',
              Value: '[{"id":"global.anthropic.claude-sonnet-4-6","format":"anthropic"}]',
            },
          ],
        },
      ],
    },
  },
  Service: {
    Type: 'AWS::ECS::Service',
    Properties: { DesiredCount: 2, TaskDefinition: { Ref: 'Task' } },
    Metadata: { 'aws:cdk:path': 'App/Service/Service/Resource' },
  },
  Logs: { Type: 'AWS::Logs::LogGroup' },
  Fleet: { Type: 'AWS::GameLift::Fleet' },
};
writeAssembly(folder, {
  Letta: { resources: TASK },
  Anywhere: { environment: 'aws://unknown-account/unknown-region', resources: { Logs: TASK.Logs } },
});
const cost = (...args: string[]): ReturnType<typeof command> => command(['cost', '--app', folder, ...args]);

test('whoever pipes it gets JSON with every figure, its source and what is unknown', async () => {
  const { code, out } = await cost('Letta');
  expect(code).toBe(0);
  const estimate = JSON.parse(out);
  expect(estimate).toMatchObject({
    stack: 'Letta',
    region: 'us-east-1',
    currency: 'USD',
    fixed: [
      { resource: 'Service/Service', what: '2 × 1 vCPU, x86', unitPrice: 0.04048, source: 'toolkit' },
      { resource: 'Service/Service', what: '2 × 2 GB memory, x86', unitPrice: 0.004445 },
    ],
    usage: [
      { what: 'logs taken in', unitPrice: 0.5, resources: ['Logs'] },
      { what: 'logs kept', unitPrice: 0.03, resources: ['Logs'] },
    ],
    unknown: [{ resource: 'Fleet', what: 'AWS::GameLift::Fleet' }],
    models: [{ model: 'global.anthropic.claude-sonnet-4-6', inputPerMillion: 3, outputPerMillion: 15 }],
  });
  // 2 tasks, 730 hours: (1 × 0.04048 + 2 × 0.004445) × 2 × 730
  expect(estimate.monthly.least).toBeCloseTo(72.08, 2);
  expect(estimate.monthly.most).toBe(estimate.monthly.least);
  expect(estimate.sources.toolkit).toMatchObject({ date: '2026-09-03' });
});

test('whoever reads it in a terminal gets a table, with colours only where they are wanted', async () => {
  const plain = await command(['cost', 'Letta', '-a', folder], { isTerminal: true });
  expect(plain.out).toMatchSnapshot();
  const coloured = await command(['cost', 'Letta', '-a', folder], { isTerminal: true, hasColours: true });
  expect(coloured.out).toContain('\u001b[1m');
  // eslint-disable-next-line no-control-regex
  expect(coloured.out.replace(/\u001b\[\d+m/g, '')).toBe(plain.out);
});

test('a document lies beside the template when it is asked for', async () => {
  const { code, error } = await cost('Letta', '--write');
  const file = path.join(folder, 'Letta.cost.md');
  expect({ code, error }).toEqual({ code: 0, error: `written: ${file}\n` });
  const document = fs.readFileSync(file, 'utf8');
  expect(document).toContain('| $59.10 | 2 × 1 vCPU, x86 | `Service/Service` | 2026-09-03 |');
  expect(document).toContain('AWS::GameLift::Fleet');
  expect((await cost('Letta', '--format', 'markdown')).out).toBe(document);
});

test('turns cost what their tokens cost', async () => {
  const flags = ['--calls', '2', '--input-tokens', '10000', '--output-tokens', '500'];
  const { models } = JSON.parse((await cost('Letta', ...flags)).out);
  // 2 calls × (10,000 × $3 + 500 × $15) / 1,000,000 × 1,000
  expect(models[0].per1000Turns).toBeCloseTo(75, 6);
});

test('models are compared by name, and one without a price is unknown', async () => {
  const flags = ['-m', 'us.amazon.nova-lite-v1:0', '-m', 'us.example.model-v9:0'];
  const { models } = JSON.parse((await cost('Letta', ...flags)).out);
  expect(models).toEqual([
    expect.objectContaining({ model: 'us.amazon.nova-lite-v1:0', inputPerMillion: 0.06 }),
    { model: 'us.example.model-v9:0' },
  ]);
});

test('a price of the profile of one geography is not taken for that of another', async () => {
  const { models } = JSON.parse((await cost('Letta', '-m', 'apac.amazon.nova-lite-v1:0')).out);
  expect(models).toEqual([{ model: 'apac.amazon.nova-lite-v1:0' }]);
});

test('a region that the stack leaves open comes from the flag, or from the environment', async () => {
  const flag = await cost('Anywhere', '--region', 'us-east-1');
  const environment = await command(['cost', 'Anywhere', '-a', folder], { environment: { AWS_REGION: 'us-east-1' } });
  expect(JSON.parse(flag.out).region).toBe('us-east-1');
  expect(environment.out).toBe(flag.out);
});

test('what the table lacks of a region is unknown, not that of another region', async () => {
  const { fixed, unknown, usage } = JSON.parse((await cost('Letta', '--region', 'eu-central-1')).out);
  expect(fixed.map(({ unitPrice }: { unitPrice: number }) => unitPrice)).toEqual([0.04656, 0.00511]);
  expect(usage[0]).not.toHaveProperty('unitPrice');
  expect(unknown).toHaveLength(1);
});

test("prices of one's own come first, and add regions", async () => {
  const prices = path.join(folder, 'own.json');
  const mine = { sources: { contract: { name: 'Our contract', url: 'https://example.com', date: '2026-01-01' } } };
  const regions = {
    'us-east-1': { contract: { 'fargate/x86/vcpu-hour': 0.02 } },
    'sa-east-1': { contract: { 'fargate/x86/vcpu-hour': 0.06 } },
  };
  fs.writeFileSync(prices, JSON.stringify({ ...mine, regions }));
  const here = JSON.parse((await cost('Letta', '--prices', prices)).out);
  expect(here.fixed[0]).toMatchObject({ unitPrice: 0.02, source: 'contract' });
  expect(here.fixed[1]).toMatchObject({ unitPrice: 0.004445, source: 'toolkit' });
  const there = JSON.parse((await cost('Letta', '--prices', prices, '-r', 'sa-east-1')).out);
  expect(there.fixed.map(({ price }: { price: string }) => price)).toEqual(['fargate/x86/vcpu-hour']);
  expect(there.unknown).toContainEqual(expect.objectContaining({ what: '2 × 2 GB memory, x86' }));
});

const file = (name: string, text: string): string => {
  fs.writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
};

test.each<[string, () => string[], RegExp]>([
  ['no such stack', () => ['Lotta'], /no stack 'Lotta' in .*, wanted one of: Letta, Anywhere/],
  ['several stacks', () => [], /several stacks in .*, wanted one of: Letta, Anywhere: name it/],
  ['a region left open', () => ['Anywhere'], /the region of Anywhere is left to the credentials: give --region/],
  ['a region without prices', () => ['Letta', '-r', 'ap-south-2'], /no prices of ap-south-2, .* give those/],
  ['no template', () => ['-t', path.join(folder, 'none.json')], /none\.json: cannot be read \(ENOENT\)/],
  ['a folder for a template', () => ['-t', folder], /cannot be read \(EISDIR\)/],
  ['a template cut off', () => ['-t', file('cut.json', '{"Resources":')], /cut\.json: is not JSON/],
  ['a template in YAML', () => ['-t', file('t.yaml', 'Resources: {}')], /t\.yaml: is not JSON/],
  ['JSON that is no template', () => ['-t', file('list.json', '[]')], /list\.json: has no Resources/],
  ['JSON that is no object', () => ['-t', file('null.json', 'null')], /null\.json: is not a JSON object/],
  ['a resource without a type', () => ['-t', file('x.json', '{"Resources":{"A":{}}}')], /with a Type each/],
  [
    'properties that are none',
    () => ['-t', file('x.json', '{"Resources":{"A":{"Type":"B","Properties":3}}}')],
    /with a Type each/,
  ],
  ['a null for a resource', () => ['-t', file('x.json', '{"Resources":{"A":null}}')], /with a Type each/],
  [
    'models that somebody broke',
    () => ['-r', 'us-east-1', '-t', file('x.json', JSON.stringify({ Resources: TASK }).replace('[{\\"id', '{{\\"id'))],
    /GATEWAY_CHAT_MODELS of the template is not JSON/,
  ],
  ['a stack and a template', () => ['Letta', '-t', 'x.json'], /'Letta' and --template are both given/],
  ['no price file', () => ['Letta', '--prices', '/nonexistent'], /--prices \/nonexistent: no such file/],
  ['a broken price file', () => ['Letta', '--prices', file('p.json', '{')], /p\.json: is not JSON/],
  ['prices without sources', () => ['Letta', '--prices', file('p.json', '{}')], /p\.json: has no sources/],
  [
    'prices of nobody',
    () => ['Letta', '--prices', file('p.json', '{"sources":{},"regions":{"us-east-1":{"me":{"alb/hour":1}}}}')],
    /has prices of the source 'me', which is not among its sources/,
  ],
  [
    'what is no price',
    () => ['Letta', '--prices', file('p.json', '{"sources":{"me":{}},"regions":{"us-east-1":{"me":{"alb/hour":-1}}}}')],
    /has -1 for 'alb\/hour', which is no price/,
  ],
])('%s is one line and exit code 2', async (_what, args, line) => {
  const { code, out, error } = await cost(...args());
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(error).toMatch(line);
  expect(error).toMatch(/^cdk-letta: [^\n]*\n$/);
});
