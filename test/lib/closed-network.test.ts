jest.mock('aws-cdk-lib', () =>
  jest.requireActual('../gate/example-apps').keepingApps(jest.requireActual('aws-cdk-lib')),
);
import { App } from 'aws-cdk-lib';
import { gateApps } from '../gate/apps';
import { asList, asText } from './support';

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
}

const templates = gateApps().flatMap(([name, app]) => resourcesOf(app).map((resources) => [name, resources] as const));

function resourcesOf(app: App): Resource[][] {
  return app.synth().stacks.map((stack) => Object.values(stack.template.Resources ?? {}));
}

function ofType(resources: Resource[], ...types: string[]): Record<string, unknown>[] {
  return resources.filter(({ Type }) => types.includes(Type)).map(({ Properties }) => Properties ?? {});
}

type Rule = Record<string, unknown>;

/** Every rule, whether it stands in its group or beside it. */
function rulesOf(resources: Resource[]): Rule[] {
  const inline = ofType(resources, 'AWS::EC2::SecurityGroup').flatMap((group) => [
    ...((group.SecurityGroupIngress as Rule[]) ?? []),
    ...((group.SecurityGroupEgress as Rule[]) ?? []),
  ]);
  return [...inline, ...ofType(resources, 'AWS::EC2::SecurityGroupIngress', 'AWS::EC2::SecurityGroupEgress')];
}

const PEERS = [
  'CidrIp',
  'CidrIpv6',
  'SourceSecurityGroupId',
  'DestinationSecurityGroupId',
  'SourcePrefixListId',
  'DestinationPrefixListId',
];

test('there are stacks to look at, with rules', () => {
  expect(templates.length).toBeGreaterThanOrEqual(6);
  expect(templates.flatMap(([, resources]) => rulesOf(resources)).length).toBeGreaterThan(60);
});

describe.each(templates)('%s', (_name, resources) => {
  test('has no rule for everybody: neither in nor out', () => {
    const cidrs = rulesOf(resources)
      .flatMap(({ CidrIp, CidrIpv6 }) => [CidrIp, CidrIpv6])
      .filter(Boolean);
    expect(cidrs.filter((cidr) => typeof cidr !== 'string' || /\/0$/.test(cidr))).toEqual([]);
  });

  test('has only rules that name one peer, its ports and the reason', () => {
    for (const rule of rulesOf(resources)) {
      const peers = PEERS.filter((key) => rule[key] !== undefined);
      expect({ rule, peers }).toEqual({ rule, peers: [expect.any(String)] });
      expect(rule).toEqual(
        expect.objectContaining({
          Description: expect.stringMatching(/\w{3}/),
          IpProtocol: expect.stringMatching(/^(tcp|icmp)$/),
          FromPort: expect.anything(),
          ToPort: expect.anything(),
        }),
      );
    }
  });

  test('has no rule twice: EC2 refuses the second', () => {
    for (const type of ['AWS::EC2::SecurityGroupIngress', 'AWS::EC2::SecurityGroupEgress']) {
      const rules = ofType(resources, type).map(({ Description: _, ...rule }) => JSON.stringify(rule));
      expect(rules.filter((rule, index) => rules.indexOf(rule) !== index)).toEqual([]);
    }
  });

  test('has only groups whose way out is stated: EC2 opens one that says nothing', () => {
    for (const group of ofType(resources, 'AWS::EC2::SecurityGroup')) {
      expect(group.SecurityGroupEgress).toEqual(expect.arrayContaining([expect.any(Object)]));
    }
  });

  test('has no road out: gateways, NAT, routes, peerings, public addresses', () => {
    const roads = resources
      .map(({ Type }) => Type)
      .filter((type) =>
        /^AWS::EC2::(.*InternetGateway|NatGateway|Route|EIP|VPCPeeringConnection|TransitGateway\w*|VPNGateway)$/.test(
          type,
        ),
      );
    expect(roads).toEqual([]);
    expect(ofType(resources, 'AWS::EC2::Subnet').filter((s) => s.MapPublicIpOnLaunch !== false)).toEqual([]);
  });

  test('bounds what every VPC of its own may look up, empties its default group and logs its traffic', () => {
    const vpcs = ofType(resources, 'AWS::EC2::VPC').length;
    for (const type of [
      'AWS::Route53Resolver::FirewallRuleGroupAssociation',
      'Custom::VpcRestrictDefaultSG',
      'AWS::EC2::FlowLog',
    ]) {
      expect({ type, count: ofType(resources, type).length }).toEqual({ type, count: vpcs });
    }
    const lists = ofType(resources, 'AWS::Route53Resolver::FirewallDomainList').map((l) => l.Domains as unknown[]);
    const answered = lists
      .filter((domains) => JSON.stringify(domains) !== '["*"]')
      .flat()
      .map((name) => asText(name).replace('${AWS::URLSuffix}', 'amazonaws.com'));
    // Neither all names nor all of AWS's: among those are names that strangers own.
    expect(answered.filter((name) => /^\*(\.com|\.amazonaws\.com)?$/.test(name))).toEqual([]);
  });

  test('has only endpoints that let through named actions of the account’s principals', () => {
    for (const endpoint of ofType(resources, 'AWS::EC2::VPCEndpoint')) {
      const { Statement } = endpoint.PolicyDocument as { Statement: Record<string, unknown>[] };
      expect(Statement.length).toBeGreaterThan(0);
      for (const { Action, Resource, Condition, Principal } of Statement) {
        const actions = asList(Action as string | string[]);
        const everything = asList<unknown>(Resource).includes('*');
        expect(actions.filter((action) => action.includes('*'))).toEqual([]);
        if (everything)
          expect(['ecr:GetAuthorizationToken', 'bedrock:ListInferenceProfiles']).toEqual(
            expect.arrayContaining(actions),
          );
        expect(Principal).toEqual({ AWS: '*' });
        // ECR signs the URLs of layers: no condition on the caller can hold.
        const layers = asList<unknown>(Resource).every((arn) => asText(arn).includes('starport-layer-bucket/'));
        if (layers) expect(actions).toEqual(['s3:GetObject']);
        else expect(Condition).toHaveProperty(['StringEquals', 'aws:PrincipalAccount']);
      }
    }
  });
});
