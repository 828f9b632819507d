import { readFileSync } from 'node:fs';
import { ConfigurationError, readConfiguration } from './configuration';
import { Gateway } from './gateway';
import { describeError, jsonLog } from './log';

/** The process around the gateway: environment in, signals in, exit code out. */

const log = jsonLog();

function fail(event: string, error: unknown): never {
  log.error(event, { reason: describeError(error) });
  process.exit(1);
}

process.on('uncaughtException', (error) => fail('gateway-crashed', error));
process.on('unhandledRejection', (error) => fail('gateway-crashed', error));

// The SDK looks for a configuration file in the home folder, and fails for a user that has none.
process.env.HOME ??= '/';

async function main(): Promise<void> {
  const configuration = readConfiguration(process.env);
  const gateway = new Gateway(configuration, {
    readAuthorities: (file) => readFileSync(file, 'utf8'),
    onFatal: (reason) => fail('gateway-ends', new Error(reason)),
    log,
  });

  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info('gateway-stopping', { signal });
    gateway.stop().then(
      () => {
        log.info('gateway-stopped');
        process.exit(0);
      },
      (error: unknown) => fail('gateway-stop-failed', error),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  await gateway.start();
  log.info('gateway-started', { listeners: [...configuration.listeners] });
}

main().catch((error: unknown) =>
  fail(error instanceof ConfigurationError ? 'configuration-invalid' : 'gateway-start-failed', error),
);
