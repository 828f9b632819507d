import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { LogFile } from './logs';
import { waitFor, within } from './wait';

export interface RedisOptions {
  /** Folder for its configuration; it keeps no data. */
  readonly folder: string;
  readonly port: number;
  readonly tls: { readonly keyFile: string; readonly certFile: string; readonly ca: string; readonly caFile: string };
  /** Users: name, and ACL rules without a password, such as `on ~* +@all`. */
  readonly users: Record<string, string>;
  readonly log: LogFile;
}

/** Debian's Redis on loopback: TLS only, and no user without a password, as ElastiCache has it. */
export class Redis {
  private readonly passwords: Record<string, string> = {};
  private process?: ChildProcess;
  private ended?: Promise<void>;

  constructor(private readonly options: RedisOptions) {
    for (const user of Object.keys(options.users)) this.passwords[user] = randomBytes(24).toString('hex');
  }

  get port(): number {
    return this.options.port;
  }

  async start(): Promise<void> {
    const { folder, port, log, users } = this.options;
    const acl = Object.entries(users).map(([name, rules]) => `user ${name} ${rules} >${this.passwords[name]}`);
    const files = this.options.tls;
    const configuration = [
      ...['port 0', `tls-port ${port}`, 'bind 127.0.0.1', 'save ""', 'appendonly no', `dir ${folder}`],
      ...[`tls-cert-file ${files.certFile}`, `tls-key-file ${files.keyFile}`, `tls-ca-cert-file ${files.caFile}`],
      ...['tls-auth-clients no', 'user default off', ...acl],
    ];
    const file = path.join(folder, 'redis.conf');
    writeFileSync(file, `${configuration.join('\n')}\n`, { mode: 0o600 });
    this.process = spawn('setpriv', ['--pdeathsig', 'KILL', 'redis-server', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = new Promise((resolve) => this.process!.on('close', () => resolve()));
    log.follow(this.process.stdout!);
    log.follow(this.process.stderr!);
    await waitFor('Redis to accept connections', () => this.ready(), { timeout: 10_000, evidence: () => log.tail() });
  }

  /** A connection that is logged in as one of the users. */
  async connect(user: string): Promise<tls.TLSSocket> {
    const socket = await this.open();
    socket.write(command('AUTH', user, this.passwords[user]));
    const answer = await new Promise<string>((resolve, reject) => {
      socket.once('data', (data) => resolve(data.toString()));
      socket.once('error', reject);
    });
    if (!answer.startsWith('+OK')) throw new Error(`the lab's Redis refused its user ${user}: ${answer.trim()}`);
    return socket;
  }

  /** Ends it, and waits until its last line is in the log. */
  async stop(): Promise<void> {
    this.process?.kill('SIGTERM');
    await within('the end of Redis', 10_000, Promise.resolve(this.ended), () => this.options.log.tail());
  }

  private open(): Promise<tls.TLSSocket> {
    return new Promise((resolve, reject) => {
      const { ca } = this.options.tls;
      const options = { host: '127.0.0.1', port: this.options.port, ca, checkServerIdentity: () => undefined };
      const socket = tls.connect(options, () => resolve(socket));
      socket.once('error', reject);
    });
  }

  private async ready(): Promise<boolean> {
    if (this.process?.exitCode !== null) throw new Error(`Redis ended at its start:\n${this.options.log.tail()}`);
    try {
      (await this.open()).destroy();
      return true;
    } catch {
      return false;
    }
  }
}

export function command(...parts: string[]): string {
  return `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
}
