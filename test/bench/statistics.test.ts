import { median, perSecond, quantile, slope } from './statistics';

describe('figures of the bench', () => {
  it('takes a quantile between the two nearest values', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([10, 20], 0.9)).toBeCloseTo(19);
    expect(median([3, 100, 1])).toBe(3);
  });

  it('takes no quantile of nothing', () => {
    expect(() => quantile([], 0.5)).toThrow('no value to take a quantile of');
  });

  it('counts what crosses the edge of a window by its share inside', () => {
    const spans = [
      { start: 0, end: 1000 },
      { start: 1500, end: 2500 },
      { start: 2000, end: 3000 },
    ];
    expect(perSecond(spans, { start: 0, end: 2000 })).toBeCloseTo(0.75);
  });

  it('finds the rise of a straight line, and none in noise around a level', () => {
    expect(slope([0, 1, 2, 3].map((second) => ({ second, value: 7 + 2 * second })))).toBeCloseTo(2);
    expect(slope([5, 7, 7, 5].map((value, second) => ({ second, value })))).toBeCloseTo(0);
  });

  it('draws no line through one point', () => {
    expect(() => slope([{ second: 1, value: 1 }])).toThrow('no line through 1 points, wanted at least two');
  });
});
