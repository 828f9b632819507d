import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { Metric, METRIC_NAMESPACE, MetricDimension } from '../../runtime/contract';

/**
 * The metrics that the gateways of one service write.
 *
 * Those of model calls are of all models together; `dimensionsMap: { Model: 'us.amazon.nova-pro-v1:0' }` gives one
 * model's. Where nothing happened there is no data point, save for `Ready`, `ChatModelsListed` and `TurnsInFlight`,
 * which each task writes once a minute: an alarm on the first two treats missing data as breaching, one on the others as not.
 */
export abstract class ServiceMetrics extends Construct {
  /** Value of the dimension `Service`. */
  protected abstract readonly serviceName: string;

  /**
   * A metric of this service by its name in the gateway's log; summed unless said otherwise.
   *
   * @param metricName e.g. `ModelCalls`; docs/gateway.md lists them
   */
  public metric(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: METRIC_NAMESPACE,
      metricName,
      statistic: cloudwatch.Stats.SUM,
      ...props,
      dimensionsMap: { ...props?.dimensionsMap, [MetricDimension.SERVICE]: this.serviceName },
    }).attachTo(this);
  }

  /** 1 while Letta, database, cache and Bedrock all answer a task, else 0. The worst task, unless said otherwise. */
  public metricReady(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.READY, { statistic: cloudwatch.Stats.MINIMUM, ...props });
  }

  /** Chat models offered to Letta; with none, agents cannot think. The worst task, unless said otherwise. */
  public metricChatModelsListed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.CHAT_MODELS_LISTED, { statistic: cloudwatch.Stats.MINIMUM, ...props });
  }

  /** Calls of models, failed ones included. */
  public metricModelCalls(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.MODEL_CALLS, props);
  }

  /** Calls of models that failed, throttled and broken-off ones included. */
  public metricModelCallsFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.MODEL_CALLS_FAILED, props);
  }

  /** Calls of models that Bedrock throttled. */
  public metricModelCallsThrottled(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.MODEL_CALLS_THROTTLED, props);
  }

  /** Milliseconds from the arrival of a model call to the end of its answer. The average, unless said otherwise. */
  public metricModelLatency(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.MODEL_LATENCY, { statistic: cloudwatch.Stats.AVERAGE, ...props });
  }

  /** Tokens that models read, those of their cache not included. */
  public metricInputTokens(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.INPUT_TOKENS, props);
  }

  /** Tokens that models wrote. */
  public metricOutputTokens(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.OUTPUT_TOKENS, props);
  }

  /** Tokens that models read from their cache. */
  public metricCacheReadInputTokens(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.CACHE_READ_INPUT_TOKENS, props);
  }

  /** Tokens that models wrote to their cache. */
  public metricCacheWriteInputTokens(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.CACHE_WRITE_INPUT_TOKENS, props);
  }

  /** Connections to the outside that the gateway refused. */
  public metricEgressRefused(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.EGRESS_REFUSED, props);
  }

  /** Wrong API passwords. */
  public metricAuthenticationFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.AUTHENTICATION_FAILED, props);
  }

  /** Turns refused because `maxConcurrentTurns` were in flight. */
  public metricTurnsRefused(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.TURNS_REFUSED, props);
  }

  /** Turns in flight in a task, over a minute. The average over the tasks, unless said otherwise. */
  public metricTurnsInFlight(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.TURNS_IN_FLIGHT, { statistic: cloudwatch.Stats.AVERAGE, ...props });
  }

  /** Runs of callers' tools, in whatever way they ended. */
  public metricToolRuns(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.TOOL_RUNS, props);
  }

  /** Runs of callers' tools that ended in an error of the tool's own, a limit's included. */
  public metricToolRunsFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.TOOL_RUNS_FAILED, props);
  }

  /** Runs that the tool sandbox could not do: it was throttled, gone, or answered nonsense. */
  public metricToolSandboxFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.TOOL_SANDBOX_FAILED, props);
  }

  /** Runs refused because their agent had too many going on. */
  public metricToolRunsRefused(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.TOOL_RUNS_REFUSED, props);
  }

  /** Milliseconds of a run of a caller's tool. The average, unless said otherwise. */
  public metricToolRunLatency(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(Metric.TOOL_RUN_LATENCY, { statistic: cloudwatch.Stats.AVERAGE, ...props });
  }
}
