import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ControlGroup, joined } from './control-group';
import type { Mount } from './image';
import { LogFile } from './logs';
import { waitFor, within } from './wait';

/** A process as a container runtime would start it: its own root, processes and user, in a given network. */
export interface ContainerOptions {
  readonly name: string;
  /** Network namespace. */
  readonly namespace: string;
  readonly command: string[];
  /** The whole environment: nothing of the lab's own is added. */
  readonly environment: Record<string, string>;
  /** `uid:gid` */
  readonly user: string;
  readonly workingDirectory: string;
  /** Read-only contents, later ones on top of earlier ones. */
  readonly mounts: Mount[];
  /** Writable folders: empty memory file systems, gone with the container. */
  readonly volumes: Volume[];
  /** Lines of `/etc/hosts`. */
  readonly hosts: string;
  /** Folder for the container's root and files of the lab. */
  readonly folder: string;
  readonly log: LogFile;
  /** What the process reads. @default - nothing */
  readonly input?: string;
  /** Limits that hold for all its processes together. @default - none */
  readonly controlGroup?: ControlGroup;
  /** Whether it has `/dev/shm`, which Lambda has not. @default true */
  readonly sharedMemory?: boolean;
}

export interface Volume {
  readonly path: string;
  /** `uid:gid`; ECS makes volumes root's unless the image declares the folder as a volume of its user. */
  readonly owner: string;
  /** @default '0755' */
  readonly mode?: string;
  /** Mebibytes. @default - half of the machine's memory */
  readonly size?: number;
}

/**
 * PID 1 of the container: makes the root and becomes the command. Paths come as variables, nothing of them is left in
 * the command's environment. The machine's programs are seen read-only; its home folders and the rest are not.
 */
const entry = `
set -eu
umask 022
mount -t tmpfs -o mode=0755 tmpfs "$ROOT"
for folder in usr bin sbin lib lib64; do
  if [ -L "/$folder" ]; then cp -P "/$folder" "$ROOT/$folder"
  elif [ -d "/$folder" ]; then mkdir "$ROOT/$folder"; mount --bind "/$folder" "$ROOT/$folder"; mount -o remount,bind,ro "$ROOT/$folder"; fi
done
mkdir "$ROOT/proc" "$ROOT/dev" "$ROOT/etc" "$ROOT/sys"
mount -t proc proc "$ROOT/proc"
for device in null zero full random urandom; do touch "$ROOT/dev/$device"; mount --bind "/dev/$device" "$ROOT/dev/$device"; done
ln -s /proc/self/fd "$ROOT/dev/fd"
[ -z "$SHARED_MEMORY" ] || { mkdir -m 1777 "$ROOT/dev/shm"; mount -t tmpfs -o mode=1777 tmpfs "$ROOT/dev/shm"; }
for file in ld.so.cache nsswitch.conf localtime; do [ ! -e "/etc/$file" ] || cp -L "/etc/$file" "$ROOT/etc/$file"; done
uid="\${USER_ID%:*}" gid="\${USER_ID#*:}"
printf 'root:x:0:0::/:/bin/false\ncontainer:x:%s:%s::/nonexistent:/bin/false\n' "$uid" "$gid" > "$ROOT/etc/passwd"
printf 'root:x:0:\ncontainer:x:%s:\n' "$gid" > "$ROOT/etc/group"
cp "$HOSTS" "$ROOT/etc/hosts"
: > "$ROOT/etc/resolv.conf"
while read -r kind source target owner mode; do
  mkdir -p "$ROOT$(dirname "$target")"
  case "$kind" in
    mount)
      if [ -d "$source" ]; then mkdir -p "$ROOT$target"; elif [ ! -e "$ROOT$target" ]; then touch "$ROOT$target"; fi
      mount --bind "$source" "$ROOT$target"; mount -o remount,bind,ro "$ROOT$target" ;;
    volume)
      mkdir -p "$ROOT$target"; mount -t tmpfs -o "mode=$mode" tmpfs "$ROOT$target"; chown "$owner" "$ROOT$target" ;;
  esac
done < "$MOUNTS"
mount -o remount,ro "$ROOT"
exec chroot "$ROOT" /usr/bin/setpriv --reuid="$uid" --regid="$gid" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs --pdeathsig KILL -- /usr/bin/env -i "$@"
`;

export class Container {
  readonly log: LogFile;
  private readonly exited: Promise<number>;
  private code?: number;

  private constructor(
    readonly options: ContainerOptions,
    private readonly launcher: ChildProcess,
  ) {
    this.log = options.log;
    this.exited = new Promise((resolve) => {
      launcher.on('close', (code, signal) => {
        this.code = this.wasKilled() ? 137 : (code ?? (signal === 'SIGKILL' ? 137 : 143));
        rmSync(this.root, { recursive: true, force: true });
        resolve(this.code);
      });
    });
  }

  static start(options: ContainerOptions): Container {
    const place = path.join(options.folder, options.name);
    mkdirSync(path.join(place, 'root'), { recursive: true });
    writeFileSync(path.join(place, 'hosts'), options.hosts);
    writeFileSync(path.join(place, 'mounts'), mountTable(options));
    const [program, ...words] = joined(options.controlGroup, ['setpriv', ...launch(options, place)]);
    const launcher = spawn(program, words, {
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        ROOT: path.join(place, 'root'),
        HOSTS: path.join(place, 'hosts'),
        MOUNTS: path.join(place, 'mounts'),
        USER_ID: options.user,
        SHARED_MEMORY: options.sharedMemory === false ? '' : 'yes',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    launcher.stdin.on('error', () => undefined);
    launcher.stdin.end(options.input ?? '');
    options.log.follow(launcher.stdout);
    options.log.follow(launcher.stderr);
    return new Container(options, launcher);
  }

  private get root(): string {
    return path.join(this.options.folder, this.options.name);
  }

  /** The exit code once it has ended. */
  get exitCode(): number | undefined {
    return this.code;
  }

  /** Process id, as the machine sees it, of the container's first process. */
  get pid(): number | undefined {
    const launcher = this.launcher.pid;
    if (launcher === undefined || this.code !== undefined) return undefined;
    try {
      const children = readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'utf8').trim();
      return children ? Number(children.split(' ')[0]) : undefined;
    } catch {
      return undefined;
    }
  }

  ended(): Promise<number> {
    return this.exited;
  }

  /** Runs a command in the container's network, root and user, as a health check does; its exit code, -1 for none. */
  execute(command: string[], timeout: number): Promise<number> {
    const pid = this.pid;
    if (pid === undefined) return Promise.resolve(-1);
    const [uid, gid] = this.options.user.split(':');
    const enter = ['--target', String(pid), '--mount', '--net', '--pid', '--root', '--setuid', uid, '--setgid', gid];
    const environment = variables(this.options.environment);
    return new Promise((resolve) => {
      const child = spawn('nsenter', [...enter, '--', '/usr/bin/env', '-i', ...environment, ...command], {
        timeout,
        killSignal: 'SIGKILL',
        stdio: 'ignore',
      });
      child.on('error', () => resolve(-1));
      child.on('exit', (code) => resolve(code ?? -1));
    });
  }

  /** SIGTERM, then SIGKILL for what is left after the time-out, as ECS does; the exit code. */
  async stop(timeoutMilliseconds: number): Promise<number> {
    const pid = this.pid;
    if (pid !== undefined) kill(pid, 'SIGTERM');
    try {
      return await within('the end', timeoutMilliseconds, this.exited);
    } catch {
      return this.kill();
    }
  }

  async kill(): Promise<number> {
    const pid = this.pid;
    if (pid !== undefined) kill(pid, 'SIGKILL');
    this.launcher.kill('SIGKILL');
    return within(`the end of ${this.options.name} after SIGKILL`, 10_000, this.exited);
  }

  /** Waits until the container's own command has been started. */
  async running(): Promise<void> {
    await waitFor(`${this.options.name} to run`, () => this.code !== undefined || this.becameCommand(), {
      timeout: 15_000,
      interval: 50,
      evidence: () => this.log.tail(),
    });
  }

  /** Debian 12's unshare stumbles over a child that was killed: it says so and ends with 1. */
  private wasKilled(): boolean {
    return this.log.lines().at(-1)?.message.startsWith('unshare: sigprocmask') ?? false;
  }

  private becameCommand(): boolean {
    const pid = this.pid;
    const uid = Number(this.options.user.split(':')[0]);
    try {
      return pid !== undefined && statSync(`/proc/${pid}`).uid === uid;
    } catch {
      return false;
    }
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has just ended by itself
  }
}

function launch(options: ContainerOptions, place: string): string[] {
  const script = path.join(place, 'entry');
  writeFileSync(script, entry);
  const isolate = ['unshare', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=SIGKILL'];
  return [
    ...['--pdeathsig', 'KILL', 'nsenter', `--net=/run/netns/${options.namespace}`, ...isolate],
    ...['/bin/sh', script, '-C', options.workingDirectory, ...variables(options.environment), ...options.command],
  ];
}

function mountTable(options: ContainerOptions): string {
  const lines = [
    ...options.mounts.map((mount) => `mount ${mount.source} ${mount.target} - -`),
    ...options.volumes.map((volume) => `volume - ${volume.path} ${volume.owner} ${volumeOptions(volume)}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function volumeOptions({ mode = '0755', size }: Volume): string {
  return size === undefined ? mode : `${mode},size=${size}m`;
}

function variables(environment: Record<string, string>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}
