import { ChildProcess, spawn } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { DatabaseConfiguration } from '../configuration';
import { within } from '../deadline';
import { describeError, Log } from '../log';
import { ConnectionShortage } from './connection-shortage';
import { authFile, parsePgbouncerLine, pgbouncerIni } from './pgbouncer-files';
import { speaksPostgres } from './postgres-probe';

export interface PgbouncerOptions {
  readonly database: DatabaseConfiguration;
  readonly listen: { readonly host: string; readonly port: number };
  /** A folder that only this process' user can write to. */
  readonly folder: string;
  /** A new IAM token, good for 15 minutes. */
  readonly token: () => Promise<string>;
  /** PgBouncer ended without having been told to. */
  readonly onDeath: (reason: string) => void;
  /** @default - `TOKEN_RENEWAL` */
  readonly renewal?: TokenRenewal;
  readonly log: Log;
}

export interface TokenRenewal {
  readonly everyMs: number;
  /** After a failure. */
  readonly retryMs: number;
}

/** Tokens are good for 15 minutes (RDS user guide, "IAM database authentication"). */
export const TOKEN_RENEWAL: TokenRenewal = { everyMs: 10 * 60_000, retryMs: 15_000 };
const TOKEN_TIMEOUT_MS = 15_000;
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 2_000;

/** PgBouncer as a child process whose password file always holds a token that is good. */
export class Pgbouncer {
  readonly shortage = new ConnectionShortage();
  private child?: ChildProcess;
  private stopping = false;
  private dead = false;
  private renewal?: NodeJS.Timeout;

  constructor(private readonly options: PgbouncerOptions) {}

  /** Resolves once PgBouncer answers. The database behind it may be down: PgBouncer keeps trying. */
  async start(token: string): Promise<void> {
    const { database, listen, folder } = this.options;
    const files = { ini: path.join(folder, 'pgbouncer.ini'), auth: path.join(folder, 'pgbouncer-users.txt') };
    await writePrivately(files.auth, authFile(database.user, token));
    await writePrivately(files.ini, pgbouncerIni(database, { ...listen, authFile: files.auth }));

    // Its own environment is empty but for the path: nothing of the gateway's, the credentials' address among it.
    this.child = spawn('pgbouncer', [files.ini], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH },
    });
    // However this process ends, its child must not go on holding the port.
    const kill = () => this.child?.kill('SIGKILL');
    process.once('exit', kill);
    this.child.once('close', () => process.off('exit', kill));
    const died = this.watch(this.child);
    await Promise.race([this.answers(), died]);
    this.scheduleRenewal(this.renewalTimes.everyMs, files.auth);
  }

  /** Ends PgBouncer and with it every session. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.renewal);
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(kill);
  }

  /** Rejects if the child ends during start; reports its death afterwards. */
  private watch(child: ChildProcess): Promise<never> {
    for (const stream of [child.stdout, child.stderr]) this.log(stream!);
    const died = new Promise<never>((_, reject) => {
      child.once('error', (error) => reject(new Error(`pgbouncer could not be started: ${error.message}`)));
      child.once('exit', (code, signal) => reject(new Error(`pgbouncer ended with ${signal ?? `code ${code}`}`)));
    });
    died.catch((error: Error) => {
      this.dead = true;
      clearTimeout(this.renewal);
      if (!this.stopping) this.options.onDeath(error.message);
    });
    return died;
  }

  private async answers(): Promise<void> {
    const { host, port } = this.options.listen;
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!this.dead && !(await speaksPostgres(port, host, 1_000))) {
      if (Date.now() > deadline)
        throw new Error(`pgbouncer does not answer on ${host}:${port} after ${START_TIMEOUT_MS / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  private get renewalTimes(): TokenRenewal {
    return this.options.renewal ?? TOKEN_RENEWAL;
  }

  private scheduleRenewal(afterMs: number, file: string): void {
    this.renewal = setTimeout(() => {
      this.renew(file).then(
        () => this.scheduleRenewal(this.renewalTimes.everyMs, file),
        (error: unknown) => {
          this.options.log.error('database-token-renewal-failed', { reason: describeError(error) });
          this.scheduleRenewal(this.renewalTimes.retryMs, file);
        },
      );
    }, afterMs).unref();
  }

  /** Open sessions stay: PgBouncer reads the file again for new ones only. */
  private async renew(file: string): Promise<void> {
    const token = await within(TOKEN_TIMEOUT_MS, this.options.token(), 'no token could be made in time');
    await writePrivately(file, authFile(this.options.database.user, token));
    if (!this.stopping) this.child?.kill('SIGHUP');
    this.options.log.info('database-token-renewed');
  }

  private log(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => {
      const parsed = parsePgbouncerLine(line);
      if (!parsed) return;
      this.shortage.note(parsed.message);
      this.options.log[parsed.level]('pgbouncer', { message: parsed.message });
    });
  }
}

/** Never readable half-written, never by another user. */
async function writePrivately(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`;
  await writeFile(fresh, text, { mode: 0o600 });
  await rename(fresh, file);
}
