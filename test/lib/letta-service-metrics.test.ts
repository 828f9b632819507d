import { Duration } from 'aws-cdk-lib';
import { Alarm, IMetric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Metric } from '../../runtime/contract';
import { containers, environment, service } from './letta-service-support';

/** A metric as its alarm asks CloudWatch for it. */
function asked(metricOf: (made: ReturnType<typeof service>['service']) => IMetric) {
  const { stack, service: made, template } = service();
  new Alarm(stack, 'Alarm', { metric: metricOf(made), threshold: 1, evaluationPeriods: 1 });
  const [alarm] = Object.values(template().findResources('AWS::CloudWatch::Alarm'));
  return { ...alarm.Properties, serviceName: environment(containers(template()).gateway).GATEWAY_SERVICE_NAME };
}

const STATISTICS: { readonly [metric in Metric]: string } = {
  Ready: 'Minimum',
  ChatModelsListed: 'Minimum',
  ModelCalls: 'Sum',
  ModelCallsFailed: 'Sum',
  ModelCallsThrottled: 'Sum',
  ModelLatency: 'Average',
  InputTokens: 'Sum',
  OutputTokens: 'Sum',
  CacheReadInputTokens: 'Sum',
  CacheWriteInputTokens: 'Sum',
  EgressRefused: 'Sum',
  AuthenticationFailed: 'Sum',
  TurnsRefused: 'Sum',
  TurnsInFlight: 'Average',
  ToolRuns: 'Sum',
  ToolRunsFailed: 'Sum',
  ToolSandboxFailed: 'Sum',
  ToolRunsRefused: 'Sum',
  ToolRunLatency: 'Average',
};

test.each(Object.values(Metric))('metric%s() is what the gateway of this service writes', (name) => {
  const method = `metric${name}` as `metric${Metric}`;
  const { serviceName, ...alarm } = asked((made) => made[method]());
  expect(alarm).toMatchObject({
    Namespace: 'CdkLetta',
    MetricName: name,
    Statistic: STATISTICS[name],
    Dimensions: [{ Name: 'Service', Value: serviceName }],
  });
});

test.each(Object.values(Metric))('metric%s() takes what is said instead', (name) => {
  const options: MetricOptions = { statistic: 'Maximum', period: Duration.hours(1) };
  const method = `metric${name}` as `metric${Metric}`;
  expect(asked((made) => made[method](options))).toMatchObject({ Statistic: 'Maximum', Period: 3600 });
});

test('the metrics of one model are asked for by its dimension', () => {
  const alarm = asked((made) => made.metricModelCalls({ dimensionsMap: { Model: 'us.amazon.nova-pro-v1:0' } }));
  expect(alarm.Dimensions).toEqual([
    { Name: 'Model', Value: 'us.amazon.nova-pro-v1:0' },
    { Name: 'Service', Value: alarm.serviceName },
  ]);
});
