import { lookup } from 'node:dns/promises';
import { connect, Socket } from 'node:net';
import { isClosedAddress } from '../../contract';
import { within } from '../deadline';

/** A connection to a host outside. */
export type ConnectOutside = (host: string, port: number) => Promise<Socket>;

/** All addresses of a name; an address is its own. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** A name leads to where no egress goes, whoever allowed it. */
export class ClosedAddress extends Error {
  constructor(host: string, address: string) {
    super(
      host === address ? `${address} is in a closed network` : `${host} is ${address}, which is in a closed network`,
    );
    this.name = 'ClosedAddress';
  }
}

const CONNECT_TIMEOUT_MS = 10_000;
const TCP_KEEP_ALIVE_MS = 60_000;

/**
 * Resolves once, checks, and connects to the very address that was checked: a name that changes its mind in between
 * gains nothing.
 *
 * @throws ClosedAddress if any address of the name is closed
 * @throws if the name has none, or none of them answers in time
 */
export async function connectOutside(host: string, port: number, resolve: Resolve = resolveByDns): Promise<Socket> {
  const deadline = Date.now() + CONNECT_TIMEOUT_MS;
  const addresses = await within(CONNECT_TIMEOUT_MS, resolve(host), `the name ${host} was not resolved in time`);
  for (const address of addresses) if (isClosedAddress(address)) throw new ClosedAddress(host, address);
  let failure: unknown = new Error(`${host} has no address`);
  for (const [index, address] of addresses.entries()) {
    // An address that does not answer leaves time for those after it.
    const share = (deadline - Date.now()) / (addresses.length - index);
    if (share <= 0) break;
    try {
      return await connectTo(address, port, share);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function resolveByDns(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address);
}

function connectTo(host: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // A client that has said all it wanted may still wait for the rest of the answer.
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, keepAlive: true });
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    const timer = setTimeout(() => socket.destroy(new Error(`${host}:${port} did not answer in time`)), timeoutMs);
    const settle = (done: () => void) => {
      clearTimeout(timer);
      socket.off('error', failed);
      done();
    };
    const failed = (error: Error) => settle(() => reject(error));
    socket.once('error', failed);
    socket.once('connect', () => settle(() => resolve(socket)));
  });
}
