import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './command';

/** An authority of the lab's own, as files and as PEM text. */
export interface Authority {
  readonly cert: string;
  readonly certFile: string;
  readonly key: string;
  readonly keyFile: string;
}

/** A server's key and certificate, as files and as PEM text. */
export interface ServerCertificate {
  readonly cert: string;
  readonly certFile: string;
  readonly key: string;
  readonly keyFile: string;
}

const INSTALL = 'apt-get install openssl';
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes a new authority in `folder`, valid for a day. Needs the openssl program. */
export async function createAuthority(folder: string, name = 'lab-authority'): Promise<Authority> {
  await mkdir(folder, { recursive: true });
  const keyFile = path.join(folder, `${name}.key`);
  const certFile = path.join(folder, `${name}.pem`);
  const subject = ['-subj', `/CN=${name}`, '-days', '1', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
  await run('openssl', ['req', '-x509', ...NEW_KEY, '-keyout', keyFile, '-out', certFile, ...subject], {
    install: INSTALL,
  });
  return { keyFile, certFile, key: await readFile(keyFile, 'utf8'), cert: await readFile(certFile, 'utf8') };
}

/**
 * Makes a server certificate signed by `authority` for these host names; an IPv4 address among them is certified as an
 * address.
 */
export async function createServerCertificate(
  folder: string,
  authority: Authority,
  hosts: string[],
): Promise<ServerCertificate> {
  await mkdir(folder, { recursive: true });
  const base = path.join(folder, hosts[0].replace(/[^\w.-]/g, '_'));
  const [keyFile, requestFile, extensionFile, certFile] = ['key', 'csr', 'ext', 'crt'].map((end) => `${base}.${end}`);
  const names = hosts.map((host) => `${/^[\d.]+$/.test(host) ? 'IP' : 'DNS'}:${host}`);
  const extensions = ['basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth', `subjectAltName=${names.join(',')}`];
  await writeFile(extensionFile, extensions.join('\n'));
  // The subject holds 64 characters at most; clients look at the alternative names.
  const subject = ['-subj', '/CN=lab-server'];
  await run('openssl', ['req', ...NEW_KEY, '-keyout', keyFile, '-out', requestFile, ...subject], { install: INSTALL });
  const signer = ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-CAcreateserial', '-days', '1'];
  await run('openssl', ['x509', '-req', '-in', requestFile, ...signer, '-extfile', extensionFile, '-out', certFile]);
  return { keyFile, certFile, key: await readFile(keyFile, 'utf8'), cert: await readFile(certFile, 'utf8') };
}
