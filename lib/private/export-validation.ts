import { Token } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { IConstruct } from 'constructs';
import { LettaExportProps } from '../letta-export-props';
import { has, requireDuration, shown } from './kinds';
import { validateAccount, validateRegion } from './validation';

/** What keys may be made of without being written otherwise in a URL, in folders that are no dots. */
const PREFIX = /^(?!.*\.\.?(\/|$))[\w!.'()-]+(\/[\w!.'()-]+)*$/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/;
const OF_NEW_BUCKET = ['retention', 'lockMode', 'encryptionKey', 'removalPolicy'] as const;

/** @throws for props of a `LettaExport` that cannot be meant, with what to give instead */
export function validateExport(scope: IConstruct, props: LettaExportProps): void {
  const { path } = scope.node;
  if (!has(props.service, '_accompany')) {
    throw new Error(
      `${path}: service is ${shown(props.service)}, wanted the LettaService whose agents are exported: give it`,
    );
  }
  validateSchedule(path, props);
  validateRetention(path, props);
  validateBucket(scope, props);
  validateUrl(path, props);
  validatePrefix(path, props.prefix);
}

function validateSchedule(path: string, { schedule }: LettaExportProps): void {
  if (schedule === undefined || typeof schedule?.expressionString === 'string') return;
  throw new Error(`${path}: schedule is ${shown(schedule)}, wanted an events.Schedule: give events.Schedule.cron(…)`);
}

function validateRetention(path: string, { retention, lockMode }: LettaExportProps): void {
  const modes: string[] = Object.values(s3.ObjectLockMode);
  if (lockMode !== undefined && !modes.includes(lockMode)) {
    throw new Error(
      `${path}: lockMode is ${shown(lockMode)}, wanted s3.ObjectLockMode.GOVERNANCE or .COMPLIANCE: change lockMode`,
    );
  }
  if (retention === undefined) return;
  requireDuration(path, 'retention', retention);
  if (retention.isUnresolved()) return;
  const days = retention.toDays({ integral: false });
  if (Number.isInteger(days) && days >= 1 && days <= 36500) return;
  throw new Error(
    `${path}: retention is ${days} days, wanted a whole number from 1 to 36500 days, because object lock takes no other: change ` +
      'retention',
  );
}

function validateBucket(scope: IConstruct, props: LettaExportProps): void {
  const { bucket } = props;
  if (!bucket) return;
  for (const prop of OF_NEW_BUCKET) {
    if (props[prop] === undefined) continue;
    throw new Error(
      `${scope.node.path}: bucket and ${prop} are both given, wanted one of them, because ${prop} is of the bucket that is made: ` +
        `leave ${prop} out`,
    );
  }
  if (!Token.isUnresolved(bucket.bucketName) && bucket.bucketName.includes('.')) {
    throw new Error(
      `${scope.node.path}: bucket is '${bucket.bucketName}', wanted a name without dots, because S3's certificate is for no name of ` +
        'several parts before s3: give another bucket',
    );
  }
  validateRegion(scope, 'bucket', bucket.env.region, "the network's endpoint of S3 reaches no other");
  validateAccount(scope, 'bucket', bucket.env.account, "the network's endpoint of S3 lets through no other");
}

function validateUrl(path: string, { service, url, certificateAuthorities }: LettaExportProps): void {
  if (url === undefined && !service._parts.isReachedByName) {
    throw new Error(
      `${path}: the service has a certificate and no domainName, wanted a name that the certificate is for, because the export ` +
        "verifies it: give the service its domainName, or the export a url such as 'https://letta.example.com'",
    );
  }
  if (url !== undefined && !Token.isUnresolved(url) && !isOrigin(url)) {
    throw new Error(
      `${path}: url is ${shown(url)}, wanted one such as https://letta.example.com: give scheme, host and port without a path`,
    );
  }
  if (certificateAuthorities === undefined || Token.isUnresolved(certificateAuthorities)) return;
  if (typeof certificateAuthorities !== 'string' || !CERTIFICATE.test(certificateAuthorities)) {
    throw new Error(
      `${path}: certificateAuthorities holds no certificate, wanted the text of a PEM file (-----BEGIN CERTIFICATE-----): give ` +
        "fs.readFileSync('authority.pem', 'utf8')",
    );
  }
  if (certificateAuthorities.includes('PRIVATE KEY-----')) {
    throw new Error(
      `${path}: certificateAuthorities holds a private key, wanted certificates alone, because it stands in the template: take ` +
        'the key out, and replace it where it has been used',
    );
  }
}

function isOrigin(url: string): boolean {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { origin, protocol } = new URL(url);
  return /^https?:$/.test(protocol) && [origin, `${origin}/`].includes(url);
}

function validatePrefix(path: string, prefix: string | undefined): void {
  if (prefix === undefined || prefix === '' || Token.isUnresolved(prefix)) return;
  if (typeof prefix === 'string' && prefix.length <= 512 && PREFIX.test(prefix)) return;
  throw new Error(
    `${path}: prefix is ${shown(prefix)}, wanted names such as exports/letta, without slashes at the ends: change prefix`,
  );
}
