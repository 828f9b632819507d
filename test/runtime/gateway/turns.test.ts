import { Turns } from '../../../runtime/gateway/turns';

test('so many have a turn at once, and the others get theirs in their order', async () => {
  const turns = new Turns(2);
  const order: number[] = [];
  const ends = [0, 1, 2, 3].map(async (one) => {
    const end = await turns.take();
    order.push(one);
    return end;
  });
  const [first, second] = await Promise.all(ends.slice(0, 2));
  expect(order).toEqual([0, 1]);
  second();
  second();
  const third = await ends[2];
  expect(order).toEqual([0, 1, 2]);
  first();
  third();
  (await ends[3])();
  expect(order).toEqual([0, 1, 2, 3]);
});

test('a turn that nobody waits for is free again', async () => {
  const turns = new Turns(1);
  (await turns.take())();
  (await turns.take())();
});
