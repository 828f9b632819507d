import { Metrics, MetricValues } from '../../../runtime/gateway/metrics';
import { TurnsInFlight } from '../../../runtime/gateway/turns-in-flight';

function watched() {
  let now = 1_000;
  const recorded: MetricValues[] = [];
  const metrics: Metrics = { record: (_, values) => void recorded.push(values) };
  const turns = new TurnsInFlight(metrics, () => now);
  return { turns, recorded, pass: (ms: number) => void (now += ms) };
}

test('a minute without turns is a zero, so that a task with nothing to do counts', () => {
  const { turns, recorded, pass } = watched();
  pass(60_000);
  turns.record();
  expect(recorded).toEqual([{ TurnsInFlight: 0 }]);
});

test('a turn counts for the part of the minute that it lasted', () => {
  const { turns, recorded, pass } = watched();
  const first = turns.begin();
  pass(15_000);
  const second = turns.begin();
  pass(15_000);
  first();
  first();
  pass(30_000);
  turns.record();
  pass(60_000);
  turns.record();
  second();
  pass(60_000);
  turns.record();
  expect(recorded).toEqual([{ TurnsInFlight: 1.25 }, { TurnsInFlight: 1 }, { TurnsInFlight: 0 }]);
});

test('the oldest turn in flight says how long work has gone on', () => {
  const { turns, pass } = watched();
  expect(turns.oldest()).toBeUndefined();
  const first = turns.begin();
  pass(5_000);
  const second = turns.begin();
  pass(5_000);
  expect(turns.oldest()).toBe(10_000);
  first();
  expect(turns.oldest()).toBe(5_000);
  second();
  expect(turns.oldest()).toBeUndefined();
});
