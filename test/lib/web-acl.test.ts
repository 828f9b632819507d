import * as kms from 'aws-cdk-lib/aws-kms';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { BedrockModel, LettaBedrockStack, WebAcl } from '../../lib';
import { service } from './letta-service-support';
import { asText, Match, Template, testApp } from './support';

interface Rule {
  readonly Name: string;
  readonly Priority: number;
  readonly Action?: unknown;
  readonly OverrideAction?: unknown;
  readonly Statement: {
    readonly ManagedRuleGroupStatement?: {
      readonly Name: string;
      readonly RuleActionOverrides?: { readonly Name: string; readonly ActionToUse: unknown }[];
    };
    readonly RateBasedStatement?: unknown;
  };
}

const rules = (template: Template): Rule[] =>
  Object.values(template.findResources('AWS::WAFv2::WebACL'))[0].Properties.Rules;

const counted = (template: Template): string[] =>
  rules(template).flatMap(({ Statement }) =>
    (Statement.ManagedRuleGroupStatement?.RuleActionOverrides ?? []).map(({ Name, ActionToUse }) => {
      expect(ActionToUse).toEqual({ Count: {} });
      return Name;
    }),
  );

test('without webAcl there is no WAF', () => {
  const template = service().template();
  template.resourceCountIs('AWS::WAFv2::WebACL', 0);
  template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 0);
});

describe('a managed web ACL', () => {
  const template = service({ webAcl: WebAcl.managed() }).template();

  test('stands before the load balancer and lets through what no rule blocks', () => {
    const [[id]] = Object.entries(template.findResources('AWS::WAFv2::WebACL'));
    const [[loadBalancer]] = Object.entries(template.findResources('AWS::ElasticLoadBalancingV2::LoadBalancer'));
    template.hasResourceProperties('AWS::WAFv2::WebACL', { Scope: 'REGIONAL', DefaultAction: { Allow: {} } });
    template.hasResourceProperties('AWS::WAFv2::WebACLAssociation', {
      ResourceArn: { Ref: loadBalancer },
      WebACLArn: { 'Fn::GetAtt': [id, 'Arn'] },
    });
  });

  test('limits each address to 10,000 requests in five minutes, answered like the gateway answers', () => {
    const [limit, ...groups] = rules(template);
    expect(limit).toMatchObject({
      Priority: 0,
      Statement: { RateBasedStatement: { Limit: 10_000, AggregateKeyType: 'IP', EvaluationWindowSec: 300 } },
      Action: {
        Block: { CustomResponse: { ResponseCode: 429, ResponseHeaders: [{ Name: 'retry-after', Value: '60' }] } },
      },
    });
    const [{ Properties }] = Object.values(template.findResources('AWS::WAFv2::WebACL'));
    const [{ Content, ContentType }] = Object.values<{ Content: string; ContentType: string }>(
      Properties.CustomResponseBodies,
    );
    expect(ContentType).toBe('APPLICATION_JSON');
    expect(JSON.parse(Content)).toEqual({ detail: expect.stringContaining('too many requests') });
    expect(groups.map(({ Priority }) => Priority)).toEqual([1, 2]);
  });

  test("applies AWS's core rules and known bad inputs, blocking", () => {
    const groups = rules(template).slice(1);
    expect(groups.map(({ Statement }) => Statement.ManagedRuleGroupStatement!.Name)).toEqual([
      'AWSManagedRulesCommonRuleSet',
      'AWSManagedRulesKnownBadInputsRuleSet',
    ]);
    for (const { OverrideAction } of groups) expect(OverrideAction).toEqual({ None: {} });
  });

  test('only counts what it sees in bodies, where agents are told anything', () => {
    expect(counted(template)).toContain('SizeRestrictions_BODY');
    expect(counted(template).filter((name) => !name.endsWith('_BODY'))).toEqual([]);
    expect(counted(service({ webAcl: WebAcl.managed({ blockBodyMatches: true }) }).template())).toEqual([]);
  });

  test('logs what it blocks and counts, and nothing else, to a group of the name that WAF demands', () => {
    const [[group, { Properties, DeletionPolicy }]] = Object.entries(
      template.findResources('AWS::Logs::LogGroup'),
    ).filter(([id]) => id.includes('WebAcl'));
    expect(asText(Properties.LogGroupName)).toMatch(/^aws-waf-logs-letta-/);
    expect(Properties.RetentionInDays).toBe(90);
    expect(DeletionPolicy).toBe('Retain');
    const [{ Properties: logging }] = Object.values(template.findResources('AWS::WAFv2::LoggingConfiguration'));
    // With `:*` at its end WAF takes it for no log group.
    expect(asText(logging.LogDestinationConfigs[0])).toBe(
      `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:\${${group}}`,
    );
    expect(logging.LoggingFilter.DefaultBehavior).toBe('DROP');
    expect(JSON.stringify(logging.LoggingFilter.Filters)).not.toContain('ALLOW');
  });

  test('writes no password down, neither in logs nor in samples', () => {
    template.hasResourceProperties('AWS::WAFv2::WebACL', {
      DataProtectionConfig: {
        DataProtections: [
          {
            Field: { FieldType: 'SINGLE_HEADER', FieldKeys: ['authorization', 'x-bare-password'] },
            Action: 'SUBSTITUTION',
            ExcludeRuleMatchDetails: Match.absent(),
            ExcludeRateBasedDetails: Match.absent(),
          },
        ],
      },
    });
    expect(JSON.stringify(template.findResources('AWS::WAFv2::WebACL'))).not.toContain('"SampledRequestsEnabled":true');
  });

  test('keeps its log as the service keeps its own', () => {
    const made = service(({ stack }) => ({
      webAcl: WebAcl.managed(),
      logRetention: logs.RetentionDays.ONE_YEAR,
      encryptionKey: new kms.Key(stack, 'Key'),
    })).template();
    const [{ Properties }] = Object.entries(made.findResources('AWS::Logs::LogGroup'))
      .filter(([id]) => id.includes('WebAcl'))
      .map(([, resource]) => resource);
    expect(Properties).toMatchObject({
      RetentionInDays: 365,
      KmsKeyId: { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] },
    });
  });

  test('counts to another limit when told', () => {
    const [limit] = rules(service({ webAcl: WebAcl.managed({ rateLimit: 500 }) }).template());
    expect(limit.Statement.RateBasedStatement).toMatchObject({ Limit: 500 });
  });

  test.each([9, 0, 2_000_000_001, 10.5, NaN])('fails for a rate limit of %s', (rateLimit) => {
    expect(() => service({ webAcl: WebAcl.managed({ rateLimit }) })).toThrow(
      `webAcl's rateLimit is ${rateLimit}, wanted a whole number from 10 to 2000000000`,
    );
  });
});

describe('a web ACL of your own', () => {
  const ARN = 'arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/corporate/00000000-1111-2222-3333-444444444444';

  function inIreland(webAcl: WebAcl): Template {
    const stack = new LettaBedrockStack(testApp(), 'Letta', {
      env: { account: '111122223333', region: 'eu-west-1' },
      http: true,
      models: [BedrockModel.EU_CLAUDE_SONNET_4_6],
      webAcl,
    });
    stack.service.allowFrom(ec2.Peer.ipv4('10.0.0.0/8'));
    return Template.fromStack(stack);
  }

  test('is put before the load balancer, and nothing is made', () => {
    const template = service({ webAcl: WebAcl.fromArn(ARN) }).template();
    template.hasResourceProperties('AWS::WAFv2::WebACLAssociation', { WebACLArn: ARN });
    template.resourceCountIs('AWS::WAFv2::WebACL', 0);
  });

  test.each([
    ['of another region', ARN.replace('eu-west-1', 'us-east-1')],
    ['for CloudFront', ARN.replace('regional/', 'global/')],
    ['of a rule group', ARN.replace('webacl/', 'rulegroup/')],
    ['of WAF Classic', 'arn:aws:waf-regional:eu-west-1:111122223333:webacl/00000000-1111-2222-3333-444444444444'],
    ['that is none', 'corporate'],
  ])('fails for an ARN %s', (_what, arn) => {
    expect(() => inIreland(WebAcl.fromArn(arn))).toThrow(
      `webAcl is '${arn}', wanted the ARN of a regional web ACL in eu-west-1`,
    );
  });
});
