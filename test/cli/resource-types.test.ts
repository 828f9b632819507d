import { estimate } from '../../cli/cost/estimate';
import { PriceTable } from '../../cli/cost/price-table';
import { PRICED, isFree } from '../../cli/cost/resource-types';
import { templatesNow } from '../golden/stacks';

const templates = Object.entries(templatesNow());

test.each(templates)('every resource of %s has a price, or is known to have none', (_name, { Resources }) => {
  const types = [...new Set(Object.values(Resources).map(({ Type }) => Type))];
  expect(types.length).toBeGreaterThan(5);
  expect(types.filter((type) => !PRICED[type] && !isFree(type))).toEqual([]);
});

test('no type has both a price and none', () => {
  expect(Object.keys(PRICED).filter(isFree)).toEqual([]);
});

test.each([{ Ref: 'Other' }, null, [], [null], 'odd', -1, { 'Fn::If': ['A', {}, {}] }])(
  'a property that is %j leaves a price unknown at most',
  (odd) => {
    const table = PriceTable.read();
    const turn = { inputTokens: 1, outputTokens: 1, calls: 1 };
    const [, template] = templates.find(([name]) => name === 'stack-of-all-props')!;
    let tried = 0;
    for (const [logicalId, resource] of Object.entries(template.Resources)) {
      for (const property of Object.keys(resource.Properties ?? {})) {
        const resources = {
          ...template.Resources,
          [logicalId]: { ...resource, Properties: { ...resource.Properties, [property]: odd } },
        };
        const { monthly } = estimate({ name: 'Odd', file: '', resources }, { region: 'us-east-1', table, turn });
        expect(monthly.least).toBeGreaterThan(100);
        expect(Number.isFinite(monthly.most)).toBe(true);
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(100);
  },
);
