import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isClosedAddress } from '../../contract';
import { EgressPass } from '../egress/egress-proxy';
import { RunProxy } from './tool-runs';

/** Connections of one run at once: one tool must not take those of all. */
const MOST_CONNECTIONS = 16;

/** Who runs, and hence may go out: each run has a user and a password of its own, which end with it. */
export class RunPasses implements RunProxy {
  private readonly passes = new Map<string, RunPass>();

  /** @param authority `host:port` where the function reaches the proxy */
  constructor(private readonly authority: string) {}

  admit(): { readonly url: string; readonly end: () => void } {
    const user = randomBytes(8).toString('hex');
    const password = randomBytes(24).toString('hex');
    const pass = new RunPass(password);
    this.passes.set(user, pass);
    return {
      url: `http://${user}:${password}@${this.authority}`,
      end: () => {
        this.passes.delete(user);
        pass.end();
      },
    };
  }

  /** @param authorization header of a proxied request */
  find(authorization: string | undefined): EgressPass | undefined {
    const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,200})$/i.exec(authorization ?? '') ?? [];
    if (encoded === undefined) return undefined;
    const [user, password] = Buffer.from(encoded, 'base64').toString('latin1').split(':', 2);
    const pass = this.passes.get(user);
    return pass?.opensTo(password ?? '') ? pass : undefined;
  }
}

class RunPass implements EgressPass {
  private readonly open = new Set<Socket>();
  private ended = false;

  constructor(private readonly password: string) {}

  opensTo(password: string): boolean {
    const [got, wanted] = [Buffer.from(password, 'latin1'), Buffer.from(this.password, 'latin1')];
    return got.length === wanted.length && timingSafeEqual(got, wanted);
  }

  hold(upstream: Socket): void {
    if (this.ended) throw new Error('the run has ended');
    if (this.open.size >= MOST_CONNECTIONS) throw new Error(`the run holds ${MOST_CONNECTIONS} connections already`);
    this.open.add(upstream);
    upstream.once('close', () => this.open.delete(upstream));
  }

  end(): void {
    this.ended = true;
    for (const upstream of this.open) upstream.destroy(new Error('the run has ended'));
  }
}

/**
 * The address of the task's own network interface. Fargate's other one is link-local, and leads to the task's metadata.
 *
 * @throws if there is none
 */
export function taskAddress(interfaces = networkInterfaces()): string {
  for (const addresses of Object.values(interfaces)) {
    for (const { address, family, internal } of addresses ?? []) {
      if (family === 'IPv4' && !internal && !isClosedAddress(address)) return address;
    }
  }
  throw new Error('this task has no address at which its tool sandbox could reach it');
}
