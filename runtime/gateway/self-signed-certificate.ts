import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { md, pki } from 'node-forge';

/** What a TLS server shows and proves. PEM. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
/** Longer than any task lives, so that nothing has to be renewed: each start makes a new one. */
const VALID_DAYS = 3_650;

/**
 * A new key and a certificate that it signs itself. The key exists in this process' memory alone. Good for a peer that
 * encrypts without verifying, as a load balancer does towards its targets.
 */
export async function selfSignedCertificate(commonName: string, now = new Date()): Promise<TlsIdentity> {
  // RSA, because every security policy of a load balancer knows it. By Node: in JavaScript it would take seconds.
  const pair = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const certificate = pki.createCertificate();
  const name = [{ name: 'commonName', value: commonName }];
  certificate.publicKey = pki.publicKeyFromPem(pair.publicKey);
  // Positive, as a leading zero bit makes it.
  certificate.serialNumber = `0${randomBytes(15).toString('hex')}`;
  // A day ago: clocks differ.
  certificate.validity.notBefore = new Date(now.getTime() - DAY_MS);
  certificate.validity.notAfter = new Date(now.getTime() + VALID_DAYS * DAY_MS);
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: [{ type: 2, value: commonName }] },
  ]);
  certificate.sign(pki.privateKeyFromPem(pair.privateKey), md.sha256.create());
  return { key: pair.privateKey, cert: pki.certificateToPem(certificate) };
}
