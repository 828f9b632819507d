import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { ControlGroup } from './control-group';
import { tryRun } from './shell';

/** Programs the lab needs from outside of `node_modules`, and where each comes from. */
const programs: Record<string, string> = {
  ip: 'apt-get install -y iproute2',
  nsenter: 'apt-get install -y util-linux',
  setpriv: 'apt-get install -y util-linux',
  'redis-server': 'apt-get install -y redis-server',
  pgbouncer: 'apt-get install -y pgbouncer',
  openssl: 'apt-get install -y openssl',
};

function onPath(program: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(path.join(folder, program)));
}

/**
 * Looks for everything the lab needs of the machine, and says aloud what it can do without but should not.
 *
 * @throws Error that lists all that is missing, each with the command that installs it
 */
export function checkRequirements(): void {
  const missing: string[] = [];
  if (process.platform !== 'linux') missing.push(`Linux with network namespaces (this is ${process.platform})`);
  else if (process.getuid?.() !== 0) missing.push('root, for network and mount namespaces (run it with sudo)');
  for (const [program, install] of Object.entries(programs)) {
    if (!onPath(program)) missing.push(`${program}: ${install}`);
  }
  if (missing.length === 0 && !mayMakeNamespaces()) {
    missing.push('the right to make network namespaces (a container needs --privileged)');
  }
  if (missing.length > 0) throw new Error(`the lab cannot run here, missing:\n  ${missing.join('\n  ')}`);
  const problem = ControlGroup.problem();
  if (problem) process.stderr.write(`${problem}\n`);
}

function mayMakeNamespaces(): boolean {
  try {
    accessSync('/proc/self/ns/net', constants.R_OK);
  } catch {
    return false;
  }
  return tryRun('unshare', '--net', '--mount', '--pid', '--fork', 'true');
}
