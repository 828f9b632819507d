import { CfnParameter, Stack } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import { LettaBedrockStack } from '../../lib';
import { allowedEgress } from '../../lib/private/allowed-egress';
import { containers, environment, service } from './letta-service-support';
import { Template, testApp, testStack } from './support';

const told = (template: Template): string => environment(containers(template).gateway).GATEWAY_EGRESS_ALLOW;

test('nothing is allowed out unless it is named, and no warning is given', () => {
  const { template, warnings } = service();
  expect(told(template())).toBe('');
  expect(warnings().join()).not.toContain('allowedEgress');
});

test('what is named is told to the egress proxy, in lower case, with one warning that says the risk', () => {
  const { template, warnings } = service({
    allowedEgress: ['MCP.example.com:443', '10.2.0.7:8443', '[2001:DB8::7]:443'],
  });
  expect(told(template())).toBe('mcp.example.com:443,10.2.0.7:8443,[2001:db8::7]:443');
  const [warning, ...others] = warnings().filter((text) => text.includes('cdk-letta:LettaService.allowedEgress'));
  expect(others).toEqual([]);
  expect(warning).toContain(
    'Test/Letta lets the task out to mcp.example.com:443, 10.2.0.7:8443, [2001:db8::7]:443: whatever agents know can be ' +
      'sent there',
  );
});

test('opens no security group: that is the network’s owner’s to say', () => {
  const rules = (template: Template): unknown => template.findResources('AWS::EC2::SecurityGroupEgress');
  expect(rules(service({ allowedEgress: ['mcp.example.com:443'] }).template())).toEqual(rules(service().template()));
});

test('items may be tokens, the list may not', () => {
  const { template } = service(({ stack }) => ({
    allowedEgress: [new CfnParameter(stack, 'Server').valueAsString, 'mcp.example.com:443'],
  }));
  expect(told(template())).toBe('${Server},mcp.example.com:443');
  expect(() =>
    service(({ stack }) => ({
      allowedEgress: new CfnParameter(stack, 'Servers', { type: 'CommaDelimitedList' }).valueAsList,
    })),
  ).toThrow('Test/Letta: allowedEgress is a list that is known only at deployment');
});

describe('the network that the stack makes', () => {
  const domainsOf = (allowedEgress?: string[], make?: (stack: Stack) => void): unknown[] => {
    const stack = new LettaBedrockStack(testApp(), 'Letta', { http: true, allowedEgress });
    make?.(stack);
    return Object.values(Template.fromStack(stack).findResources('AWS::Route53Resolver::FirewallDomainList')).flatMap(
      ({ Properties }) => Properties.Domains,
    );
  };

  test('resolves the names that are allowed, once each, and no address', () => {
    const added = domainsOf(['mcp.example.com:443', 'mcp.example.com:8443', '10.2.0.7:443', '[2001:db8::7]:443']);
    const before = domainsOf();
    expect(added.filter((domain) => !JSON.stringify(before).includes(JSON.stringify(domain)))).toEqual([
      'mcp.example.com',
    ]);
  });
});

describe('fails', () => {
  test.each([
    ['mcp.example.com', 'which names no port'],
    ['https://mcp.example.com', 'which names no port'],
    ['https://mcp.example.com:443', 'which is no host'],
    ['mcp.example.com:443/sse', 'which names no port'],
    ['mcp.example.com:0', 'whose port is no number from 1 to 65535'],
    ['mcp.example.com:65536', 'whose port is no number from 1 to 65535'],
    ['mcp.example.com:0443', 'whose port is no number from 1 to 65535'],
    ['*.example.com:443', 'a wildcard'],
    ['user@mcp.example.com:443', 'which is no host'],
    ['mcp.example.com,evil.example.com:443', 'which is no host'],
    ['mcp example.com:443', 'which is no host'],
    ['mcp.example.com.:443', 'which is no host'],
    ['2001:db8::7:443', 'which is no host'],
    ['[mcp.example.com]:443', 'which is no host'],
    ['[2001:db8::7%eth0]:443', 'which is no host'],
    ['2130706433:443', 'which is no host'],
    ['127.1:443', 'which is no host'],
    ['0x7f000001:443', 'which is no host'],
    [':443', 'which is no host'],
    ['localhost:443', 'a loopback, link-local'],
    ['a.localhost:443', 'a loopback, link-local'],
    ['127.0.0.1:8284', 'a loopback, link-local'],
    ['127.8.8.8:80', 'a loopback, link-local'],
    ['0.0.0.0:80', 'a loopback, link-local'],
    ['169.254.170.2:80', 'a loopback, link-local'],
    ['169.254.169.254:80', 'a loopback, link-local'],
    ['224.0.0.1:80', 'a loopback, link-local'],
    ['255.255.255.255:80', 'a loopback, link-local'],
    ['[::1]:80', 'a loopback, link-local'],
    ['[::]:80', 'a loopback, link-local'],
    ['[fe80::1]:80', 'a loopback, link-local'],
    ['[ff02::1]:80', 'a loopback, link-local'],
    ['[::ffff:127.0.0.1]:80', 'a loopback, link-local'],
    ['[::ffff:a9fe:aa02]:80', 'a loopback, link-local'],
    ['[::127.0.0.1]:80', 'a loopback, link-local'],
    ['[::ffff:0:7f00:1]:80', 'a loopback, link-local'],
    ['[64:ff9b::a9fe:aa02]:80', 'a loopback, link-local'],
    ['[2002:7f00:1::]:80', 'a loopback, link-local'],
    ['[fd00:ec2::254]:80', 'a loopback, link-local'],
  ])('on %s: %s', (destination, problem) => {
    expect(() => service({ allowedEgress: [destination] })).toThrow(
      new RegExp(`^Test/Letta: allowedEgress holds '${escape(destination)}', ${problem}.*: change allowedEgress$`),
    );
  });

  test('with a reason, whatever is given, or gives one destination without a comma back', () => {
    const scope = testStack();
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.string());
    fc.assert(
      fc.property(
        fc.oneof(
          fc.tuple(host, fc.nat(70_000)).map(([name, port]) => `${name}:${port}`),
          fc.string(),
        ),
        (text) => {
          try {
            expect(allowedEgress(scope, [text])[0]).toMatch(/^[a-z0-9_.:[\]-]+:[1-9]\d*$/);
          } catch (error) {
            if (!(error as Error).message.startsWith(`Test: allowedEgress holds '${text}', `)) throw error;
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  function escape(text: string): string {
    return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
});
