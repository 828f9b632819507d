import { GatewayVariable, Listener, Port } from '../contract';
import { acceptsConnections, speaksPostgres } from './database/postgres-probe';

/** The container's health check: exit code 0 if every configured listener of this gateway answers. Letta is not asked. */

const PORTS: Readonly<Record<Listener, number>> = {
  api: Port.API,
  aws: Port.AWS,
  ollama: Port.OLLAMA,
  cache: Port.CACHE,
  egress: Port.EGRESS,
  database: Port.DATABASE,
  'migration-lock': Port.MIGRATION_LOCK,
  sandbox: Port.SANDBOX_EXECUTE,
};
const TIMEOUT_MS = 2_000;

async function main(): Promise<void> {
  const listeners = (process.env[GatewayVariable.LISTENERS] ?? '').split(',').map((name) => name.trim());
  const results = await Promise.all(
    listeners.map(async (name) => {
      const port = PORTS[name as Listener];
      if (port === undefined) return false;
      return name === Listener.DATABASE
        ? speaksPostgres(port, '127.0.0.1', TIMEOUT_MS)
        : acceptsConnections(port, '127.0.0.1', TIMEOUT_MS);
    }),
  );
  const down = listeners.filter((_, at) => !results[at]);
  if (down.length > 0) process.stderr.write(`not answering: ${down.join(', ')}\n`);
  process.exitCode = down.length > 0 ? 1 : 0;
}

void main();
