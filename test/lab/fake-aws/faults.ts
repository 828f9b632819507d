import type { ServerResponse } from 'node:http';
import type { FakeService, SignedCall } from './service';

/** Stands between a verified call and its service: passes it on with `next`, or answers in its place. */
export type Fault = (call: SignedCall, next: () => Promise<void>) => Promise<void>;

/** What is wrong with the fake AWS at the moment. */
export class Faults {
  private readonly active = new Map<string, Fault>();

  /**
   * Gives a service a fault until the returned function is called.
   *
   * @param host first label of the service's host name, such as `bedrock-runtime`
   */
  inject(host: string, fault: Fault): () => void {
    if (this.active.has(host)) throw new Error(`the lab's ${host} has a fault already`);
    this.active.set(host, fault);
    return () => void this.active.delete(host);
  }

  /** Answers a call: the service's fault if it has one, else the service. */
  pass(service: FakeService, call: SignedCall): Promise<void> {
    const next = () => service.handle(call);
    const fault = this.active.get(service.host);
    return fault ? fault(call, next) : next();
  }
}

/** Every call fails as AWS's services fail: status, error type, `Retry-After` if given. */
export function failing(status: number, code: string, headers: Record<string, string> = {}): Fault {
  return async ({ response }) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': code, ...headers });
    response.end(JSON.stringify({ message: `the lab fails with ${code}` }));
  };
}

/** Calls that nobody answers. */
export class Hanging {
  /** Calls that wait now. */
  waiting = 0;
  /** Calls whose caller has hung up. */
  abandoned = 0;

  readonly fault: Fault = async ({ response }) => {
    this.waiting++;
    await new Promise<void>((resolve) => response.once('close', resolve));
    this.waiting--;
    this.abandoned++;
  };
}

/** The answer begins and its connection breaks after so many pieces. */
export function cutAfter(pieces: number): Fault {
  return async ({ response }, next) => {
    let written = 0;
    const write = response.write.bind(response);
    response.write = ((...args: Parameters<ServerResponse['write']>) => {
      if (written++ < pieces) return write(...args);
      // What was written before must arrive, or it would be a call without any answer.
      setTimeout(() => response.destroy(), 50);
      return false;
    }) as ServerResponse['write'];
    response.end = (() => {
      setTimeout(() => response.destroy(), 50);
      return response;
    }) as ServerResponse['end'];
    await next();
  };
}

/** Only calls whose target matches have the fault. */
export function where(target: RegExp, fault: Fault): Fault {
  return (call, next) => (target.test(call.request.target) ? fault(call, next) : next());
}
