import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Template } from './template';
import { waitFor } from './wait';

/** Settings of the template's load balancer and target group. */
export interface LoadBalancerOptions {
  readonly healthCheckPath: string;
  /** `https`: speaks TLS to targets and, as an Application Load Balancer does, takes any certificate. */
  readonly targetProtocol: 'http' | 'https';
  readonly targetPort: number;
  /** Seconds between two health checks. */
  readonly interval: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** Seconds without a byte after which a request is given up. */
  readonly idleTimeout: number;
  /** Seconds that requests in flight get to finish on a target that leaves. */
  readonly deregistrationDelay: number;
}

/** What the template says; health checks come faster, because the tests wait for them. */
export function loadBalancerOptions(template: Template): LoadBalancerOptions {
  const [balancerId] = template.only('AWS::ElasticLoadBalancingV2::LoadBalancer');
  const [groupId] = template.only('AWS::ElasticLoadBalancingV2::TargetGroup');
  const balancer = template.properties<{ LoadBalancerAttributes: Attribute[] }>(balancerId);
  const group = template.properties<TargetGroupProperties>(groupId);
  const attribute = (attributes: Attribute[], key: string) => {
    const found = attributes.find(({ Key }) => Key === key);
    if (!found) throw new Error(`the template does not set ${key}`);
    return found.Value;
  };
  const algorithm = attribute(group.TargetGroupAttributes, 'load_balancing.algorithm.type');
  if (algorithm !== 'least_outstanding_requests') throw new Error(`the lab does not balance by ${algorithm}`);
  return {
    healthCheckPath: group.HealthCheckPath,
    targetProtocol: group.Protocol === 'HTTPS' ? 'https' : 'http',
    targetPort: group.Port,
    interval: 1,
    healthyThreshold: group.HealthyThresholdCount,
    unhealthyThreshold: group.UnhealthyThresholdCount,
    idleTimeout: Number(attribute(balancer.LoadBalancerAttributes, 'idle_timeout.timeout_seconds')),
    deregistrationDelay: Number(attribute(group.TargetGroupAttributes, 'deregistration_delay.timeout_seconds')),
  };
}

interface Attribute {
  readonly Key: string;
  readonly Value: string;
}

interface TargetGroupProperties {
  readonly HealthCheckPath: string;
  readonly HealthyThresholdCount: number;
  readonly UnhealthyThresholdCount: number;
  readonly Protocol: string;
  readonly Port: number;
  readonly TargetGroupAttributes: Attribute[];
}

type TargetState = 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused';

interface Target {
  readonly address: string;
  state: TargetState;
  /** Health checks in a row that said the opposite of `state`. */
  turns: number;
  outstanding: number;
  readonly agent: http.Agent;
}

/** One request as the tests want to know it. */
export interface BalancedRequest {
  readonly target: string;
  readonly path: string;
  readonly at: number;
  /** When its client had the whole answer, or was gone. */
  ended?: number;
  status?: number;
  /** The target broke off, before its answer or in it. */
  failed?: string;
}

/**
 * What an Application Load Balancer does with one target group: health checks, least outstanding requests, connections
 * to targets that are kept and used again, draining (Elastic Load Balancing user guide, "Target groups"). It never sends a
 * request twice.
 */
export class LoadBalancer {
  readonly requests: BalancedRequest[] = [];
  private readonly targets = new Map<string, Target>();
  private readonly server: http.Server;
  private checks?: NodeJS.Timeout;

  constructor(private readonly options: LoadBalancerOptions) {
    this.server = http.createServer({ keepAlive: true, noDelay: true }, (request, response) =>
      this.forward(request, response),
    );
    this.server.keepAliveTimeout = options.idleTimeout * 1000;
    this.server.requestTimeout = 0;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.checks = setInterval(() => {
      for (const target of this.targets.values()) if (target.state !== 'draining') void this.check(target);
    }, this.options.interval * 1000);
  }

  stop(): void {
    clearInterval(this.checks);
    this.server.closeAllConnections();
    this.server.close();
    for (const target of this.targets.values()) target.agent.destroy();
  }

  state(address: string): TargetState {
    return this.targets.get(address)?.state ?? 'unused';
  }

  /** ECS registers a task once its containers run; it gets requests when it is healthy. */
  register(address: string): void {
    const settings = { keepAlive: true, maxSockets: Infinity, noDelay: true };
    const agent =
      this.options.targetProtocol === 'https'
        ? new https.Agent({ ...settings, rejectUnauthorized: false })
        : new http.Agent(settings);
    this.targets.set(address, { address, state: 'initial', turns: 0, outstanding: 0, agent });
  }

  async healthy(address: string, timeout: number): Promise<void> {
    await waitFor(`target ${address} to be healthy`, () => this.state(address) === 'healthy', { timeout });
  }

  /** Sends it nothing new; resolves when nothing is in flight on it, or at the end of the deregistration delay. */
  async deregister(address: string): Promise<void> {
    const target = this.targets.get(address);
    if (!target) throw new Error(`${address} is no target`);
    target.state = 'draining';
    const end = Date.now() + this.options.deregistrationDelay * 1000;
    while (target.outstanding > 0 && Date.now() < end) await sleep(50);
    target.state = 'unused';
    this.targets.delete(address);
    target.agent.destroy();
  }

  private async check(target: Target): Promise<void> {
    const answers = await this.answersHealthCheck(target);
    if (target.state === 'draining' || target.state === 'unused') return;
    const isHealthy = target.state === 'healthy';
    target.turns = answers === isHealthy ? 0 : target.turns + 1;
    // A new target needs the whole threshold too.
    const threshold = answers ? this.options.healthyThreshold : this.options.unhealthyThreshold;
    if (target.turns >= threshold) {
      target.state = answers ? 'healthy' : 'unhealthy';
      target.turns = 0;
    }
  }

  private answersHealthCheck(target: Target): Promise<boolean> {
    return new Promise((resolve) => {
      // Health checks come on connections of their own.
      const request = this.client().request(
        {
          ...this.place(target),
          path: this.options.healthCheckPath,
          agent: false,
          timeout: 10_000,
          headers: { 'user-agent': 'ELB-HealthChecker/2.0' },
        },
        (response) => response.resume().on('end', () => resolve(response.statusCode === 200)),
      );
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(false));
      request.end();
    });
  }

  private forward(request: IncomingMessage, response: ServerResponse): void {
    const target = this.choose();
    if (!target) return void response.writeHead(503).end('<html>503 Service Temporarily Unavailable</html>');
    const record: BalancedRequest = { target: target.address, path: request.url ?? '', at: Date.now() };
    this.requests.push(record);
    target.outstanding++;
    response.once('close', () => {
      target.outstanding--;
      record.ended = Date.now();
    });
    const outgoing = this.client().request({
      ...this.place(target),
      method: request.method,
      path: request.url,
      agent: target.agent,
      timeout: this.options.idleTimeout * 1000,
      headers: {
        ...request.headers,
        'x-forwarded-for': [request.headers['x-forwarded-for'], request.socket.remoteAddress]
          .filter(Boolean)
          .join(', '),
        'x-forwarded-proto': 'http',
        'x-forwarded-port': '80',
      },
    });
    const failed = (reason: string) => {
      record.failed ??= reason;
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end('<html>502 Bad Gateway</html>');
    };
    outgoing.on('timeout', () => outgoing.destroy(new Error('idle time-out')));
    outgoing.on('error', (error) => failed(error.message));
    outgoing.on('response', (answer) => {
      record.status = answer.statusCode;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', (error) => failed(error.message));
      answer.pipe(response);
    });
    response.once('close', () => {
      if (!response.writableFinished) outgoing.destroy();
    });
    request.pipe(outgoing);
  }

  private choose(): Target | undefined {
    const healthy = [...this.targets.values()].filter(({ state }) => state === 'healthy');
    return healthy.sort((one, other) => one.outstanding - other.outstanding)[0];
  }

  private place(target: Target) {
    return { host: target.address, port: this.options.targetPort, rejectUnauthorized: false };
  }

  private client(): typeof http | typeof https {
    return this.options.targetProtocol === 'https' ? https : http;
  }
}
