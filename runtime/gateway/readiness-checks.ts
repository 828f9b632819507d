import { once } from 'node:events';
import { get, IncomingMessage } from 'node:http';
import { connect, Socket } from 'node:net';
import { respCommand } from './cache/resp-framing';
import { selectOne } from './database/postgres-probe';
import { Check } from './readiness';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Letta's own health route. */
export function lettaCheck(address: Address): Check {
  return async (signal) => {
    const request = get({ ...address, path: '/v1/health/', signal, agent: false });
    // Cut off by the signal after its answer began: nobody listens any more.
    request.on('error', () => undefined);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    response.on('error', () => undefined);
    return response.statusCode === 200 ? undefined : `it answered with status ${response.statusCode}`;
  };
}

/** A query through PgBouncer, as Letta's own role: it is the database that answers, not PgBouncer alone. */
export function databaseCheck(address: Address, role: { readonly user: string; readonly database: string }): Check {
  return (signal) => selectOne(address, role, signal);
}

/** From memory: whether the sandbox was there for the last run of a caller's tool. Asking it would start it. */
export function sandboxCheck(runs: { problem(): string | undefined }): Check {
  return () => Promise.resolve(runs.problem());
}

/** A command through the relay, hence with the credentials that Letta's commands go with. */
export function cacheCheck(address: Address): Check {
  return async (signal) => {
    const answer = await exchange(address, respCommand('PING'), signal);
    if (answer.startsWith('+PONG')) return undefined;
    return answer.startsWith('-')
      ? 'it answered with an error: the log line `cache-connection-failed` says which'
      : 'it closed the connection';
  };
}

/** The state of the list of models; asking for the list renews one that has grown old. */
export function bedrockCheck(models: {
  problem(): string | undefined;
  offered(format: 'anthropic'): Promise<unknown>;
}): Check {
  return async () => {
    await models.offered('anthropic').catch(() => undefined);
    return models.problem();
  };
}

/** The first piece of the answer, or nothing if the other side closes. */
async function exchange(address: Address, command: string, signal: AbortSignal): Promise<string> {
  const socket = connect({ ...address, signal });
  socket.on('error', () => undefined);
  try {
    socket.write(command);
    const [piece] = (await Promise.race([once(socket, 'data'), closed(socket)])) as [Buffer?];
    return piece?.toString('latin1') ?? '';
  } finally {
    socket.destroy();
  }
}

async function closed(socket: Socket): Promise<[]> {
  await once(socket, 'close');
  return [];
}
