import { X509Certificate } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { LettaDatabase } from '../../lib';
import { REGIONS_WITH_RDS_AUTHORITY } from '../../lib/private/rds-authorities';
import { testStack } from './support';

const PEM = path.join(__dirname, '../../runtime/images/gateway/ca/rds.pem');

describe('authorities of RDS', () => {
  test('the regions a database may be in are exactly those whose authority is shipped', () => {
    const certificates = fs
      .readFileSync(PEM, 'utf8')
      .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)!;
    const regions = certificates
      .map((pem) => /CN=Amazon RDS ([a-z]+(?:-[a-z]+)+-\d)/.exec(new X509Certificate(pem).subject)?.[1])
      .filter((region) => region !== undefined);
    expect([...new Set(regions)].sort()).toEqual([...REGIONS_WITH_RDS_AUTHORITY].sort());
  });

  test('fails in a region whose database the gateway could not verify', () => {
    const stack = testStack({ account: '111122223333', region: 'mx-central-1' });
    expect(() =>
      LettaDatabase.fromLettaDatabaseAttributes(stack, 'Database', {
        host: 'database.example',
        resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
        securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
      }),
    ).toThrow(/no RDS authority of region 'mx-central-1'.*wanted one of af-south-1/);
  });
});
