import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { md, pki } from 'node-forge';

/** A key and its certificate, as files and as PEM text. */
export interface KeyAndCertificate {
  readonly cert: string;
  readonly certFile: string;
  readonly key: string;
  readonly keyFile: string;
}

/** An authority of the lab's own. */
export type Authority = KeyAndCertificate;

/** A server's key and certificate. */
export type ServerCertificate = KeyAndCertificate;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Makes a new authority in `folder`, valid for a day. */
export function createAuthority(folder: string, name = 'lab-authority'): Promise<Authority> {
  const { key, certificate } = unsigned(name);
  certificate.setIssuer(certificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  return signed(certificate, key, key, path.join(folder, name));
}

/**
 * Makes a server certificate signed by `authority` for these host names; an IPv4 address among them is certified as an
 * address.
 */
export function createServerCertificate(
  folder: string,
  authority: Authority,
  hosts: string[],
): Promise<ServerCertificate> {
  // A common name holds 64 characters at most; clients look at the alternative names.
  const { key, certificate } = unsigned('lab-server');
  const issuer = pki.certificateFromPem(authority.cert);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
    {
      name: 'subjectAltName',
      altNames: hosts.map((host) => (/^[\d.]+$/.test(host) ? { type: 7, ip: host } : { type: 2, value: host })),
    },
  ]);
  return signed(certificate, key, authority.key, path.join(folder, hosts[0].replace(/[^\w.-]/g, '_')));
}

function unsigned(commonName: string): { key: string; certificate: pki.Certificate } {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(pair.publicKey);
  // The first byte makes it positive and its encoding the shortest there is: OpenSSL refuses any other ("illegal padding").
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  // An hour ago: clocks differ.
  certificate.validity.notBefore = new Date(Date.now() - DAY_MS / 24);
  certificate.validity.notAfter = new Date(Date.now() + DAY_MS);
  certificate.setSubject([{ name: 'commonName', value: commonName }]);
  return { key: pair.privateKey, certificate };
}

async function signed(
  certificate: pki.Certificate,
  key: string,
  signingKey: string,
  base: string,
): Promise<KeyAndCertificate> {
  certificate.sign(pki.privateKeyFromPem(signingKey), md.sha256.create());
  const result = { key, keyFile: `${base}.key`, cert: pki.certificateToPem(certificate), certFile: `${base}.pem` };
  await mkdir(path.dirname(base), { recursive: true });
  await writeFile(result.keyFile, result.key, { mode: 0o600 });
  await writeFile(result.certFile, result.cert);
  return result;
}
