import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { encryptedLogGroup } from './encrypted-log-group';
import { uniqueName } from './unique-name';

/**
 * Rules of AWS's groups that read bodies, which are free text here. Source: "Baseline rule groups", AWS WAF Developer Guide.
 * WAF ignores a name that a group no longer has.
 */
const BODY_RULES: { readonly [group: string]: readonly string[] } = {
  AWSManagedRulesCommonRuleSet: [
    'SizeRestrictions_BODY',
    'EC2MetaDataSSRF_BODY',
    'GenericLFI_BODY',
    'GenericRFI_BODY',
    'CrossSiteScripting_BODY',
  ],
  AWSManagedRulesKnownBadInputsRuleSet: ['JavaDeserializationRCE_BODY', 'Log4JRCE_BODY', 'ReactJSRCE_BODY'],
};

/** Headers that carry a password of the API. */
const PASSWORD_HEADERS = ['authorization', 'x-bare-password'];
const TOO_MANY = 'too-many-requests';
const WINDOW_SECONDS = 300;

/** How a log is kept. */
export interface WebAclLogSettings {
  readonly logRetention: logs.RetentionDays;
  readonly logRemovalPolicy: RemovalPolicy;
  readonly encryptionKey?: kms.IKey;
}

/** Properties of `ManagedWebAcl`. */
export interface ManagedWebAclProps extends WebAclLogSettings {
  readonly rateLimit: number;
  readonly blockBodyMatches: boolean;
}

/** A web ACL with a rate limit and AWS's own rules, and the log of what it does not simply let through. */
export class ManagedWebAcl extends Construct {
  public readonly webAclArn: string;

  public constructor(scope: Construct, id: string, props: ManagedWebAclProps) {
    super(scope, id);
    const groups = Object.keys(BODY_RULES).map((group, index) => managedGroup(group, index + 1, props));
    const webAcl = new wafv2.CfnWebACL(this, 'Resource', {
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      // The gateway's own form of an answer.
      customResponseBodies: {
        [TOO_MANY]: {
          contentType: 'APPLICATION_JSON',
          content: JSON.stringify({ detail: 'this address has sent too many requests within five minutes' }),
        },
      },
      rules: [rateLimit(props.rateLimit), ...groups],
      // Not the logs' own redaction, which leaves the header in what AWS's rules write down (`RedactedFields`, WAF API).
      dataProtectionConfig: {
        dataProtections: [
          { field: { fieldType: 'SINGLE_HEADER', fieldKeys: PASSWORD_HEADERS }, action: 'SUBSTITUTION' },
        ],
      },
      visibilityConfig: visible('WebAcl'),
    });
    this.webAclArn = webAcl.attrArn;
    this.log(webAcl, props);
  }

  private log(webAcl: wafv2.CfnWebACL, props: ManagedWebAclProps): void {
    const logGroup = encryptedLogGroup(this, 'Logs', {
      // WAF writes to no log group of another name ("Sending web ACL traffic logs to a CloudWatch Logs log group").
      logGroupName: `aws-waf-logs-${uniqueName(this)}`,
      retention: props.logRetention,
      removalPolicy: props.logRemovalPolicy,
      encryptionKey: props.encryptionKey,
    });
    new wafv2.CfnLoggingConfiguration(this, 'Logging', {
      resourceArn: webAcl.attrArn,
      // Not `logGroupArn`: that ends with `:*`, and WAF wants the group.
      logDestinationConfigs: [
        Stack.of(this).formatArn({
          service: 'logs',
          resource: 'log-group',
          resourceName: logGroup.logGroupName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
      loggingFilter: {
        DefaultBehavior: 'DROP',
        Filters: [
          {
            Behavior: 'KEEP',
            Requirement: 'MEETS_ANY',
            Conditions: ['BLOCK', 'COUNT', 'EXCLUDED_AS_COUNT'].map((action) => ({
              ActionCondition: { Action: action },
            })),
          },
        ],
      },
    });
  }
}

function rateLimit(limit: number): wafv2.CfnWebACL.RuleProperty {
  return {
    name: 'RateLimit',
    priority: 0,
    statement: { rateBasedStatement: { limit, aggregateKeyType: 'IP', evaluationWindowSec: WINDOW_SECONDS } },
    action: {
      block: {
        customResponse: {
          responseCode: 429,
          customResponseBodyKey: TOO_MANY,
          responseHeaders: [{ name: 'retry-after', value: '60' }],
        },
      },
    },
    visibilityConfig: visible('RateLimit'),
  };
}

function managedGroup(
  name: string,
  priority: number,
  { blockBodyMatches }: ManagedWebAclProps,
): wafv2.CfnWebACL.RuleProperty {
  const counted = blockBodyMatches ? [] : BODY_RULES[name];
  return {
    name,
    priority,
    statement: {
      managedRuleGroupStatement: {
        vendorName: 'AWS',
        name,
        ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
      },
    },
    overrideAction: { none: {} },
    visibilityConfig: visible(name),
  };
}

/** Without samples: the log shows what was blocked or counted, and is encrypted and kept as the owner says. */
function visible(metricName: string): wafv2.CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false };
}
