import { Metric } from '../../../runtime/contract';
import { jsonLog } from '../../../runtime/gateway/log';
import { embeddedMetrics } from '../../../runtime/gateway/metrics';
import { recordModelCall } from '../../../runtime/gateway/bedrock/usage';

function lines() {
  const written: string[] = [];
  const metrics = embeddedMetrics(
    'agents',
    jsonLog((line) => written.push(line)),
    () => 1_700_000_000_000,
  );
  return { metrics, last: () => JSON.parse(written.at(-1)!) as Record<string, unknown> };
}

test("a line is CloudWatch's embedded metric format: each metric it names is a number in it", () => {
  const { metrics, last } = lines();
  metrics.record('x', { [Metric.READY]: 1, [Metric.MODEL_LATENCY]: 12 });
  const { _aws, ...fields } = last() as { _aws: { Timestamp: number; CloudWatchMetrics: Directive[] } };
  expect(_aws.Timestamp).toBe(1_700_000_000_000);
  expect(_aws.CloudWatchMetrics).toEqual([
    {
      Namespace: 'CdkLetta',
      Dimensions: [['Service']],
      Metrics: [
        { Name: 'Ready', Unit: 'Count' },
        { Name: 'ModelLatency', Unit: 'Milliseconds' },
      ],
    },
  ]);
  expect(fields).toMatchObject({ event: 'x', Service: 'agents', Ready: 1, ModelLatency: 12 });
});

interface Directive {
  readonly Dimensions: string[][];
  readonly Metrics: { Name: string }[];
}

test('a model call is counted for the service and for the model; the agent is a field, never a dimension', () => {
  const { metrics, last } = lines();
  recordModelCall(metrics, {
    model: 'm',
    operation: 'invoke',
    status: 200,
    agent: 'agent-1',
    usage: { inputTokens: 1, outputTokens: 2, cacheReadInputTokens: 3, cacheWriteInputTokens: 4 },
    complete: true,
    milliseconds: 12.6,
  });
  const line = last() as Record<string, unknown> & { _aws: { CloudWatchMetrics: Directive[] } };
  const [{ Dimensions, Metrics }] = line._aws.CloudWatchMetrics;
  expect(Dimensions).toEqual([['Service'], ['Service', 'Model']]);
  for (const { Name } of Metrics) expect(typeof line[Name]).toBe('number');
  expect(line).toMatchObject({ event: 'model-call', agent: 'agent-1', Model: 'm', ModelLatency: 13, InputTokens: 1 });
});

test('a call without usage has no tokens, rather than none', () => {
  const { metrics, last } = lines();
  recordModelCall(metrics, { model: 'm', operation: 'invoke', status: 403, complete: true, milliseconds: 1 });
  expect(last()).toMatchObject({ ModelCalls: 1, ModelCallsFailed: 1, ModelCallsThrottled: 0 });
  expect(last()).not.toHaveProperty(Metric.INPUT_TOKENS);
});
