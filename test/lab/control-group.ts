import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = '/sys/fs/cgroup';

export interface ControlGroupLimits {
  readonly memoryBytes: number;
  /** Processes and threads. */
  readonly processes: number;
}

/** A kernel control group: limits that hold for all processes of a container together, as Lambda's and Fargate's do. */
export class ControlGroup {
  private constructor(private readonly folders: string[]) {}

  /** Undefined on a machine whose control groups belong to somebody else: what runs has limits of its own only. */
  static make(name: string, limits: ControlGroupLimits): ControlGroup | undefined {
    try {
      return ControlGroup.in(ROOT, name, limits);
    } catch {
      return undefined;
    }
  }

  /** Why none can be made on this machine, for people; undefined if they can. */
  static problem(root = ROOT): string | undefined {
    try {
      ControlGroup.in(root, `letta-lab-${process.pid}`, { memoryBytes: 1024 * 1024, processes: 1 }).remove();
      return undefined;
    } catch (error) {
      return (
        `THE LAB HAS NO CONTROL GROUPS (${(error as Error).message}): no limit of memory or processes holds for all of a ` +
        'container together, and what means harm may take this machine down. Wanted a writable /sys/fs/cgroup, as root has ' +
        'it, or a container with --privileged --cgroupns=host'
      );
    }
  }

  private static in(root: string, name: string, { memoryBytes, processes }: ControlGroupLimits): ControlGroup {
    const unified = existsSync(path.join(root, 'cgroup.controllers'));
    const limits: [string, string, number][] = unified
      ? [
          [name, 'memory.max', memoryBytes],
          [name, 'pids.max', processes],
        ]
      : [
          [`memory/${name}`, 'memory.limit_in_bytes', memoryBytes],
          [`pids/${name}`, 'pids.max', processes],
        ];
    const folders = [...new Set(limits.map(([folder]) => path.join(root, folder)))];
    const group = new ControlGroup(folders);
    try {
      for (const folder of folders) mkdirSync(folder);
      for (const [folder, file, value] of limits) writeFileSync(path.join(root, folder, file), String(value));
      return group;
    } catch (error) {
      group.remove();
      throw error;
    }
  }

  /** Files to which a process writes its id to join. */
  get members(): string[] {
    return this.folders.map((folder) => path.join(folder, 'cgroup.procs'));
  }

  /** Whether the kernel has killed a process of it for want of memory. */
  wasOutOfMemory(): boolean {
    return this.folders
      .flatMap((folder) => ['memory.oom_control', 'memory.events'].map((file) => path.join(folder, file)))
      .some((file) => existsSync(file) && /^oom_kill [1-9]/m.test(readFileSync(file, 'utf8')));
  }

  /** Once it is empty. */
  remove(): void {
    for (const folder of this.folders) {
      try {
        rmdirSync(folder);
      } catch {
        // It was never made, or is not empty yet: an empty folder in the kernel's memory hurts nobody.
      }
    }
  }
}

/** The command, started as a member of the group. */
export function joined(group: ControlGroup | undefined, command: string[]): string[] {
  if (!group) return command;
  const join = group.members.map((file) => `echo $$ > ${file};`).join(' ');
  return ['/bin/sh', '-c', `${join} exec "$@"`, 'sh', ...command];
}
