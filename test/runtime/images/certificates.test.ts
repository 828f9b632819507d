import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { REGIONS_WITH_RDS_AUTHORITY } from '../../../lib/private/rds-authorities';

const images = path.resolve(__dirname, '../../../runtime/images');

function certificatesIn(file: string): X509Certificate[] {
  const pem = readFileSync(path.join(images, file), 'utf8');
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function commonName({ subject }: X509Certificate): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
}

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

describe.each(['gateway/ca/aws.pem', 'gateway/ca/rds.pem', 'letta/ca.pem'])('%s', (file) => {
  const certificates = certificatesIn(file);

  test('holds roots only, each signed by itself, each an authority', () => {
    expect(certificates.length).toBeGreaterThan(0);
    for (const certificate of certificates) {
      expect(certificate.ca).toBe(true);
      expect(certificate.subject).toBe(certificate.issuer);
      // Starfield's is the one that Amazon's cross-certificates lead to; it signs itself as well.
      expect(certificate.verify(certificate.publicKey)).toBe(true);
    }
  });

  test('holds nothing that expires within a year', () => {
    const soon = certificates.filter(({ validTo }) => new Date(validTo).getTime() < Date.now() + YEAR_MS);
    expect(soon.map(commonName)).toEqual([]);
  });
});

test('AWS endpoints and ElastiCache are verified against Amazon Trust Services alone', () => {
  expect(certificatesIn('gateway/ca/aws.pem').map(commonName)).toEqual([
    'Amazon Root CA 1',
    'Amazon Root CA 2',
    'Amazon Root CA 3',
    'Amazon Root CA 4',
    'Starfield Services Root Certificate Authority - G2',
  ]);
});

test('Letta holds one authority: every model call parses them all', () => {
  expect(certificatesIn('letta/ca.pem').map(commonName)).toEqual(['Amazon Root CA 1']);
});

test('databases are verified against RDS’s own authorities, three kinds of key for each region', () => {
  const names = certificatesIn('gateway/ca/rds.pem').map(commonName);
  const kinds = new Map<string, string[]>();
  for (const name of names) {
    const [, region, kind] = /^Amazon RDS ([a-z]+-[a-z]+-\d) Root CA (.*)$/.exec(name) ?? [];
    kinds.set(region, [...(kinds.get(region) ?? []), kind]);
  }
  expect([...kinds.keys()].sort()).toEqual([...REGIONS_WITH_RDS_AUTHORITY].sort());
  for (const [region, held] of kinds) {
    expect([region, ...held.sort()]).toEqual([region, 'ECC384 G1', 'RSA2048 G1', 'RSA4096 G1']);
  }
});
