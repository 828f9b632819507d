import { spawn } from 'node:child_process';
import net from 'node:net';
import { Address } from '../lab/namespace';
import type { Postgres } from '../lab/parts/postgres';
import { waitFor } from '../lab/wait';

/** RDS's port. */
export const DIRECT_PORT = 5432;

/** Copies bytes and no more: TLS is between the client and Postgres, whose certificate has the database's name. */
const program = `
const net = require('net');
const [address, port, target] = process.argv.slice(1);
net.createServer({ noDelay: true }, (client) => {
  const server = net.connect({ port: Number(target), host: '127.0.0.1', noDelay: true });
  client.pipe(server).pipe(client);
  client.on('error', () => server.destroy()).on('close', () => server.destroy());
  server.on('error', () => client.destroy()).on('close', () => client.destroy());
}).listen(Number(port), address);
`;

/**
 * Leads the database's address to Postgres itself. The lab's front, which checks tokens there, decrypts and encrypts
 * every byte: a price that RDS does not ask, and that only a client with tokens would pay.
 */
export async function directDatabase(postgres: Postgres, port = DIRECT_PORT): Promise<{ stop(): void }> {
  const words = [process.execPath, '-e', program, Address.DATABASE, String(port), String(postgres.port)];
  const relay = spawn('setpriv', ['--pdeathsig', 'KILL', ...words], { stdio: ['ignore', 'inherit', 'inherit'] });
  const stop = () => void relay.kill();
  try {
    await waitFor('the relay to Postgres', () => accepts(port, relay.exitCode), { timeout: 15_000, interval: 100 });
  } catch (error) {
    stop();
    throw error;
  }
  return { stop };
}

function accepts(port: number, exitCode: number | null): Promise<boolean> {
  if (exitCode !== null) throw new Error(`the relay to Postgres ended with ${exitCode}`);
  return new Promise((resolve) => {
    const socket = net.connect(port, Address.DATABASE, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
