import { Fn } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import { SealedNetwork, SealedNetworkProps, VpcEndpoints } from '../../lib';
import { isolatedVpc, Template, testStack } from './support';

function withNames(allowedDomains: string[], props: SealedNetworkProps = {}): Template {
  const stack = testStack();
  new SealedNetwork(stack, 'Network', { ...props, allowedDomains });
  return Template.fromStack(stack);
}

describe('names that the resolver answers', () => {
  test.each(['*', '*.'])('are not all names (%p): that is said by dnsFirewall', (all) => {
    expect(() => withNames(['mcp.example.com', all])).toThrow(
      `SealedNetwork Test/Network: allowedDomains holds '${all}', which is every name, so that data can leave in names, wanted ` +
        "names such as 'mcp.example.com' or '*.corp.example.com': name them, or say dnsFirewall: false",
    );
  });

  test.each([
    'https://mcp.example.com/',
    'mcp.example.com:443',
    'mcp.example.com/path',
    'mcp..example.com',
    '-mcp.example.com',
    'mcp.*.example.com',
    'mcp example.com',
    `${'a'.repeat(64)}.example.com`,
    `${'a.'.repeat(128)}example.com`,
    '',
    '.',
  ])('are names: %p is none', (name) => {
    expect(() => withNames([name])).toThrow(
      `SealedNetwork Test/Network: allowedDomains holds '${name}', which is no name, wanted names such as`,
    );
  });

  test('may have a wildcard in front, a dot behind, a single label, underscores', () => {
    const names = [
      '*.corp.example.com',
      'mcp.example.com.',
      'Intranet',
      '_ldap._tcp.corp',
      'xn--bcher-kva.example',
      '10.in-addr.arpa',
    ];
    expect(() => withNames(names)).not.toThrow();
  });

  test('that DNS has are taken', () => {
    fc.assert(
      fc.property(fc.domain(), (name) => {
        expect(() => withNames([name, `*.${name}`])).not.toThrow();
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  test('which only CloudFormation knows are left to it', () => {
    expect(() => withNames([Fn.importValue('name'), `mcp.${Fn.importValue('zone')}`])).not.toThrow();
  });

  test('are not a list that only CloudFormation knows, to which none can be added', () => {
    expect(() => withNames(Fn.split(',', Fn.importValue('names')))).toThrow(
      'SealedNetwork Test/Network: allowedDomains is a list that is known only at deployment, wanted one whose length is known',
    );
  });
});

describe('the prefix list of S3', () => {
  test.each(['nope', 'pl-', 'pl-xyz', 'com.amazonaws.eu-west-1.s3'])(
    'is named by its id: %p is none',
    (s3PrefixListId) => {
      const stack = testStack();
      expect(() => new VpcEndpoints(stack, 'Endpoints', { vpc: isolatedVpc(stack), s3PrefixListId })).toThrow(
        `Test/Endpoints: s3PrefixListId is '${s3PrefixListId}', wanted the id of a prefix list like 'pl-63a5400a': ` +
          '`aws ec2 describe-managed-prefix-lists` shows it; or leave s3PrefixListId out, and the deployment looks it up',
      );
      expect(() => new SealedNetwork(testStack(), 'Network', { s3PrefixListId })).toThrow(/s3PrefixListId is/);
    },
  );

  test.each(['pl-63a5400a', 'pl-0123456789abcdef0', Fn.importValue('prefix-list')])('may be %p', (s3PrefixListId) => {
    expect(() => new SealedNetwork(testStack(), 'Network', { s3PrefixListId })).not.toThrow();
  });
});
