import { Metric, METRIC_NAMESPACE, MetricDimension } from '../contract';
import { Log, LogFields } from './log';

/** Writes log lines that CloudWatch also reads as metrics. */
export interface Metrics {
  /** One line with `fields`, and `values` in it as metrics: of the service, and with `model` also of the model. */
  record(event: string, values: MetricValues, fields?: LogFields & { readonly model?: string }): void;
}

export type MetricValues = { readonly [metric in Metric]?: number };

const UNITS: { readonly [metric in Metric]?: string } = {
  [Metric.MODEL_LATENCY]: 'Milliseconds',
  [Metric.TOOL_RUN_LATENCY]: 'Milliseconds',
};
const DEFAULT_UNIT = 'Count';

/** CloudWatch's embedded metric format (CloudWatch user guide, "Specification: Embedded metric format"). */
export function embeddedMetrics(service: string, log: Log, now = Date.now): Metrics {
  return {
    record(event, values, fields = {}) {
      const names = Object.keys(values) as Metric[];
      const dimensions: string[][] = [[MetricDimension.SERVICE]];
      if (fields.model !== undefined) dimensions.push([MetricDimension.SERVICE, MetricDimension.MODEL]);
      log.info(event, {
        ...fields,
        [MetricDimension.SERVICE]: service,
        ...(fields.model !== undefined && { [MetricDimension.MODEL]: fields.model }),
        ...values,
        _aws: {
          Timestamp: now(),
          CloudWatchMetrics: [
            {
              Namespace: METRIC_NAMESPACE,
              Dimensions: dimensions,
              Metrics: names.map((Name) => ({ Name, Unit: UNITS[Name] ?? DEFAULT_UNIT })),
            },
          ],
        },
      });
    },
  };
}
