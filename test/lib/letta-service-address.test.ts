import { Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { LettaServiceProps } from '../../lib';
import { service } from './letta-service-support';
import { Match } from './support';

const zone = (stack: Stack, zoneName = 'example.com') =>
  route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789', zoneName });

function named(props: (stack: Stack) => Partial<LettaServiceProps>) {
  return service(({ stack }) => ({
    http: undefined,
    certificate: acm.Certificate.fromCertificateArn(
      stack,
      'Certificate',
      'arn:aws:acm:us-east-1:111122223333:certificate/x',
    ),
    ...props(stack),
  }));
}

describe('domainName', () => {
  test("is the url's name; without a zone nobody makes a record", () => {
    const { service: letta, template } = named(() => ({ domainName: 'letta.example.com' }));
    expect(letta.url).toBe('https://letta.example.com');
    template().resourceCountIs('AWS::Route53::RecordSet', 0);
  });

  test.each([
    ['letta.example.com', 'example.com'],
    ['example.com', 'example.com'],
    ['a.b.example.com', 'example.com.'],
  ])('%s gets an alias to the load balancer in the zone %s', (domainName, zoneName) => {
    const { template } = named((stack) => ({ domainName, hostedZone: zone(stack, zoneName) }));
    template().hasResourceProperties('AWS::Route53::RecordSet', {
      Name: `${domainName}.`,
      Type: 'A',
      HostedZoneId: 'Z0123456789',
      AliasTarget: { DNSName: Match.anyValue(), HostedZoneId: Match.anyValue() },
    });
  });

  test('gets its record also in a zone that is known by its id alone', () => {
    const { template } = named((stack) => ({
      domainName: 'letta.example.com',
      hostedZone: route53.HostedZone.fromHostedZoneId(stack, 'Zone', 'Z0123456789'),
    }));
    template().hasResourceProperties('AWS::Route53::RecordSet', { Name: 'letta.example.com.' });
  });

  test.each([
    'https://letta.example.com',
    'letta.example.com:443',
    'letta.example.com/v1',
    'letta.example.com.',
    'Letta.example.com',
    'letta',
    'letta..example.com',
    '-letta.example.com',
    '*.example.com',
    '',
  ])("fails for '%s'", (domainName) => {
    expect(() => named(() => ({ domainName }))).toThrow(
      `Test/Letta: domainName is '${domainName}', wanted a host name in lower case such as letta.example.com`,
    );
  });

  test.each(['letta.example.org', 'letta.notexample.com', 'com'.padStart(9, 'a.')])(
    'fails for %s in a zone of another name',
    (domainName) => {
      expect(() => named((stack) => ({ domainName, hostedZone: zone(stack) }))).toThrow(
        `Test/Letta: domainName is '${domainName}', which is not in hostedZone 'example.com'`,
      );
    },
  );
});

test('hostedZone fails without domainName', () => {
  expect(() => named((stack) => ({ hostedZone: zone(stack) }))).toThrow(
    'Test/Letta: hostedZone is given without domainName, wanted the name that clients use: give domainName',
  );
});
