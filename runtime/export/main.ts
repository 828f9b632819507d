import { Agent } from 'node:https';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { ExportMetric, ExportVariable, METRIC_NAMESPACE, MetricDimension } from '../contract';
import { passwordsFromSecret } from '../gateway/api/api-password';
import { taskCredentials } from '../gateway/credentials';
import { describeError, jsonLog, Log } from '../gateway/log';
import { CheckedExport } from './checked-export';
import { Command, readCommand } from './command-line';
import { ExportConfiguration, readConfiguration } from './configuration';
import { exportAgents, ExportResult } from './export-agents';
import { LettaApi } from './letta-api';
import { Restore } from './restore-agents';
import { Storage } from './storage';

const log = jsonLog();

/** @returns whether all went well */
async function run(command: Command, configuration: ExportConfiguration): Promise<boolean> {
  const credentials = taskCredentials(log);
  const { region, awsCa, bucket, prefix } = configuration;
  const secrets = new SecretsManagerClient({
    region,
    credentials,
    maxAttempts: 6,
    requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca: awsCa }), requestTimeout: 10_000 }),
  });
  const [password] = await passwordsFromSecret(secrets, configuration.passwordSecret)();
  const api = new LettaApi({ url: configuration.apiUrl, password, ca: configuration.apiCa });
  const storage = new Storage({ bucket, prefix, region, credentials, ca: awsCa });
  return command.name === 'export' ? runExport(api, storage) : runRestore(command, api, storage);
}

async function runExport(api: LettaApi, storage: Storage): Promise<boolean> {
  const result = await exportAgents(api, storage, log);
  const isComplete = result.failed === 0;
  recordExport(isComplete, result);
  return isComplete;
}

async function runRestore(
  { export: which, agents }: Command & { name: 'restore' },
  api: LettaApi,
  storage: Storage,
): Promise<boolean> {
  const source = await CheckedExport.open(storage, which, agents, await api.version());
  log.info('restore.checked', { export: source.time, agents: source.agents.length });
  const report = await new Restore(source, api, log).run();
  const name = `${source.time}/restores/${new Date().toISOString()}.json`;
  await storage.put(name, JSON.stringify(report, undefined, 2));
  const { restored, failed, ...counts } = report;
  const [ok, notOk] = [Object.keys(restored).length, Object.keys(failed).length];
  const seconds = report.milliseconds / 1000;
  log.info('restore.run', {
    ...counts,
    report: name,
    agents: ok,
    failed: notOk,
    agentsPerSecond: rate(ok - report.skipped, seconds),
    passagesPerSecond: rate(report.passages, seconds),
  });
  return notOk === 0;
}

/** One line that CloudWatch also reads as metrics; also for an export that failed before its end. */
function recordExport(isComplete: boolean, result?: ExportResult): void {
  const values = {
    [ExportMetric.EXPORT_COMPLETE]: isComplete ? 1 : 0,
    ...(result && {
      [ExportMetric.AGENTS_EXPORTED]: result.agents,
      [ExportMetric.AGENTS_NOT_EXPORTED]: result.failed,
      [ExportMetric.PASSAGES_EXPORTED]: result.passages,
      [ExportMetric.EXPORT_DURATION]: result.milliseconds,
    }),
  };
  const seconds = (result?.milliseconds ?? 0) / 1000;
  log.info('export.run', {
    ...result,
    ...(result && {
      agentsPerSecond: rate(result.agents, seconds),
      passagesPerSecond: rate(result.passages, seconds),
    }),
    [MetricDimension.SERVICE]: process.env[ExportVariable.SERVICE_NAME],
    ...values,
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [
        {
          Namespace: METRIC_NAMESPACE,
          Dimensions: [[MetricDimension.SERVICE]],
          Metrics: Object.keys(values).map((Name) => ({
            Name,
            Unit: Name === ExportMetric.EXPORT_DURATION ? 'Milliseconds' : 'Count',
          })),
        },
      ],
    },
  });
}

function rate(count: number, seconds: number): number {
  return seconds === 0 ? 0 : Math.round((count / seconds) * 10) / 10;
}

async function main(words: string[], to: Log): Promise<number> {
  let command: Command | undefined;
  try {
    command = readCommand(words);
    return (await run(command, readConfiguration(process.env))) ? 0 : 1;
  } catch (error) {
    to.error(`${command?.name ?? 'command'}.failed`, { reason: describeError(error) });
    if (command?.name === 'export') recordExport(false);
    return 1;
  }
}

// As process 1 it would be told to end and not do so.
process.once('SIGTERM', () => {
  log.warn('stopped', { reason: 'SIGTERM' });
  process.exit(143);
});
void main(process.argv.slice(2), log).then((code) => process.exit(code));
