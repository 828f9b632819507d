import { existsSync, readdirSync } from 'node:fs';
import { run, tryRun } from './shell';

/**
 * The lab's network. One namespace is the VPC: it has the addresses of the services and nothing behind it. Each task
 * gets a namespace of its own, as Fargate gives it a network interface of its own, joined to the VPC by a pair of
 * virtual interfaces. The VPC forwards nothing: a packet to any other address vanishes, as behind a security group.
 */
const prefix = 'letta-lab';

/** Addresses of the VPC's services, all on the loopback interface of its namespace. */
export const Address = {
  /** Every AWS endpoint. */
  AWS: '10.0.0.10',
  DATABASE: '10.0.0.20',
  CACHE: '10.0.0.30',
  /** Where ECS serves credentials and task metadata. */
  CREDENTIALS: '169.254.170.2',
  /** Answers nothing: what the hosts file gives for names of the internet. */
  NOWHERE: '203.0.113.1',
} as const;

export interface IsolatedNamespace {
  readonly name: string;
  remove(): void;
}

export interface TaskNamespace extends IsolatedNamespace {
  /** The task's address in the VPC. */
  readonly address: string;
}

export class VpcNamespace {
  readonly name: string;
  private tasks = 0;
  private isolated = 0;

  private constructor(readonly pid: number) {
    this.name = `${prefix}-${pid}`;
  }

  /** Makes the namespace; whoever makes it removes it with `remove`. Left-overs of runs that crashed go first. */
  static create(): VpcNamespace {
    removeStale();
    const vpc = new VpcNamespace(process.pid);
    run('ip', 'netns', 'add', vpc.name);
    const ip = (...args: string[]) => run('ip', '-n', vpc.name, ...args);
    ip('link', 'set', 'lo', 'up');
    for (const address of [Address.AWS, Address.DATABASE, Address.CACHE, Address.CREDENTIALS]) {
      ip('addr', 'add', `${address}/32`, 'dev', 'lo');
    }
    run('nsenter', `--net=/run/netns/${vpc.name}`, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=0');
    return vpc;
  }

  /** The namespace this process was started in, made by the process `pid`. */
  static existing(pid: number): VpcNamespace {
    const vpc = new VpcNamespace(pid);
    vpc.removeTasks();
    return vpc;
  }

  /** A task's own namespace with an address in the VPC and the VPC as its only way out. */
  addTask(): TaskNamespace {
    const number = ++this.tasks;
    if (number > 240) throw new Error(`the lab has addresses for 240 tasks in one run, this is task ${number}`);
    const name = `${this.name}-task${number}`;
    const network = `10.0.${1 + Math.floor(number / 60)}`;
    const [inside, outside] = [2, 1].map((host) => `${network}.${(number % 60) * 4 + host}`);
    const link = `lab${this.pid % 1e6}t${number}`;
    run('ip', 'netns', 'add', name);
    run('ip', '-n', this.name, 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    run('ip', '-n', this.name, 'addr', 'add', `${outside}/30`, 'dev', link);
    run('ip', '-n', this.name, 'link', 'set', link, 'up');
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    run('ip', '-n', name, 'addr', 'add', `${inside}/30`, 'dev', 'eth0');
    run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
    run('ip', '-n', name, 'route', 'add', 'default', 'via', outside);
    return { name, address: inside, remove: () => void tryRun('ip', 'netns', 'del', name) };
  }

  /**
   * A namespace with nothing but loopback: no packet leaves it, and it has no address that one could come to.
   *
   * @param addresses of others, which the loopback interface has in their place, for relays that lead there
   */
  addIsolated(addresses: string[] = []): IsolatedNamespace {
    const name = `${this.name}-isolated${++this.isolated}`;
    run('ip', 'netns', 'add', name);
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    for (const address of new Set(addresses)) run('ip', '-n', name, 'addr', 'add', `${address}/32`, 'dev', 'lo');
    return { name, remove: () => void tryRun('ip', 'netns', 'del', name) };
  }

  /** Removes the VPC's and its tasks' namespaces. */
  remove(): void {
    this.removeTasks();
    tryRun('ip', 'netns', 'del', this.name);
  }

  private removeTasks(): void {
    for (const name of namespaces()) if (name.startsWith(`${this.name}-`)) tryRun('ip', 'netns', 'del', name);
  }
}

function namespaces(): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns') : [];
}

function removeStale(): void {
  for (const name of namespaces()) {
    const owner = new RegExp(`^${prefix}-(\\d+)`).exec(name)?.[1];
    if (owner && !existsSync(`/proc/${owner}`)) tryRun('ip', 'netns', 'del', name);
  }
}
