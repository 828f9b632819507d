import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { ExportMetric, METRIC_NAMESPACE, MetricDimension } from '../../runtime/contract';

/**
 * The metrics that the exports of one `LettaExport` write, in its log. Between two runs there is no data point: an alarm on
 * `metricExportComplete` over a day treats missing data as breaching, so that it also tells of a task that never started.
 */
export abstract class ExportMetrics extends Construct {
  /** What starts the export. */
  public abstract readonly rule: events.Rule;
  /** Value of the dimension `Service`. */
  protected abstract readonly serviceName: string;

  /**
   * A metric of these exports by its name in the log; summed unless said otherwise.
   *
   * @param metricName e.g. `AgentsExported`
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

  /** 1 for each export that has all agents and its manifest, 0 for each that ended otherwise. */
  public metricExportComplete(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(ExportMetric.EXPORT_COMPLETE, props);
  }

  /** Agents that were exported. */
  public metricAgentsExported(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(ExportMetric.AGENTS_EXPORTED, props);
  }

  /** Agents that could not be exported; those that were deleted meanwhile are none of them. */
  public metricAgentsNotExported(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(ExportMetric.AGENTS_NOT_EXPORTED, props);
  }

  /** Archival passages that were exported. */
  public metricPassagesExported(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(ExportMetric.PASSAGES_EXPORTED, props);
  }

  /** Milliseconds of an export. The longest, unless said otherwise. */
  public metricExportDuration(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(ExportMetric.EXPORT_DURATION, { statistic: cloudwatch.Stats.MAXIMUM, ...props });
  }

  /** Times that EventBridge could not start the task. */
  public metricFailedStarts(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: 'AWS/Events',
      metricName: 'FailedInvocations',
      statistic: cloudwatch.Stats.SUM,
      dimensionsMap: { RuleName: this.rule.ruleName },
      ...props,
    }).attachTo(this);
  }
}
