import { Limit } from '../../../runtime/export/limit';

test('so many run at once, the others in their order, also after a failure', async () => {
  const limit = new Limit(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = [0, 1, 2, 3].map((at) =>
    limit.run(async () => {
      begun.push(at);
      await new Promise<void>((resolve) => (ends[at] = resolve));
      if (at === 0) throw new Error('failed');
      return at;
    }),
  );
  const settled = Promise.allSettled(all);
  const later = () => new Promise((resolve) => setImmediate(resolve));
  await later();
  expect(begun).toEqual([0, 1]);
  ends[0]();
  await later();
  expect(begun).toEqual([0, 1, 2]);
  ends[1]();
  await later();
  expect(begun).toEqual([0, 1, 2, 3]);
  ends[2]();
  ends[3]();
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
});
