import { isDeepStrictEqual } from 'util';
import { judgeTemplates } from '../../lib/checks/judge';
import { RULES } from '../../lib/checks/rules';
import { StackTemplate } from '../../lib/checks/template';
import { reportFigure } from '../gate/figures';
import { CDK_JSON_CONTEXT } from '../lib/support';
import { FAULTS } from './faults';
import { Mutant } from './mutant';
import { GOOD_APPS, GoodApp, templatesOf } from './stacks';
import { READING_VARIATIONS } from './reading-variations';
import { SANDBOX_VARIATIONS } from './sandbox-variations';
import { VARIATIONS } from './variation';

const NAMES = Object.keys(GOOD_APPS) as GoodApp[];
const good = Object.fromEntries(NAMES.map((name) => [name, templatesOf(name, CDK_JSON_CONTEXT)])) as Record<
  GoodApp,
  StackTemplate[]
>;
let faults = 0;
let variations = 0;

describe('a good app has no finding', () => {
  test.each(NAMES)('%s', (name) => {
    expect(judgeTemplates(good[name])).toEqual([]);
  });

  test.each(NAMES)('%s, without feature flags', (name) => {
    expect(judgeTemplates(templatesOf(name))).toEqual([]);
  });
});

describe('a single fault is found by its rule, and by no other', () => {
  test.each(FAULTS.map((fault): [string, typeof fault] => [`${fault.rule}: ${fault.name}`, fault]))(
    '%s',
    (_name, { rule, of = 'default', also = [], inject }) => {
      const mutant = new Mutant(good[of]);
      inject(mutant);
      expect(isDeepStrictEqual(mutant.stacks, good[of])).toBe(false);
      const found = new Set(judgeTemplates(mutant.stacks).map(({ id }) => id));
      expect([...found].sort()).toEqual([rule, ...also].sort());
      faults += 1;
    },
  );

  test('every rule has a fault that it finds', () => {
    const injected = new Set(FAULTS.map(({ rule }) => rule));
    expect(RULES.map(({ id }) => id).filter((id) => !injected.has(id))).toEqual([]);
  });
});

describe('what is right in another way, or none of our business, is not found', () => {
  test.each(
    [...VARIATIONS, ...READING_VARIATIONS, ...SANDBOX_VARIATIONS].map((variation): [string, typeof variation] => [
      variation.name,
      variation,
    ]),
  )('%s', (_name, { of = 'default', change }) => {
    const mutant = new Mutant(good[of]);
    change(mutant);
    expect(isDeepStrictEqual(mutant.stacks, good[of])).toBe(false);
    expect(judgeTemplates(mutant.stacks)).toEqual([]);
    variations += 1;
  });
});

test('a template is judged in less than 200 ms', () => {
  const times = [1, 2, 3].map(() => {
    const started = performance.now();
    judgeTemplates(good.default);
    return performance.now() - started;
  });
  // The best of three tells what the work takes, however busy the machine is.
  expect(Math.min(...times)).toBeLessThan(200);
});

afterAll(() => {
  reportFigure('faults', faults);
  reportFigure('variations', variations);
});
