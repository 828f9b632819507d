import { Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { ManagedWebAcl, WebAclLogSettings } from './private/managed-web-acl';
import { validateWholeNumber } from './private/validation';

const REGIONAL_WEB_ACL = /^arn:aws[a-z-]*:wafv2:([a-z0-9-]+):\d{12}:regional\/webacl\/[^/]+\/[^/]+$/;

/** What can be chosen of the web ACL that `WebAcl.managed()` makes. */
export interface ManagedWebAclOptions {
  /**
   * Most requests of one address within five minutes; one more is answered 429. Clients behind a proxy or NAT share an
   * address. From 10 to 2,000,000,000.
   *
   * @default 10000
   */
  readonly rateLimit?: number;

  /**
   * Whether requests are also blocked for what AWS's rules see in their bodies. Bodies are messages to agents: a question
   * about a script tag or a lookup string looks like an attack, and every body over 8 KB, hence every upload, is refused.
   *
   * @default false - such matches are counted, logged and let through
   */
  readonly blockBodyMatches?: boolean;
}

/**
 * A web ACL of AWS WAF.
 *
 * WAF reads requests only: answers stream as without it. Behind an Application Load Balancer it sees the first 8 KB of a body
 * and never the rest, and nothing can raise that ("Oversize web request components in AWS WAF", AWS WAF Developer Guide).
 */
export abstract class WebAcl {
  /**
   * AWS's core rule set and known bad inputs, and a rate limit. What it blocks or counts is logged, without passwords.
   *
   * Requests without a `User-Agent` header are blocked; Letta's clients send one.
   *
   * @throws for a rate limit that WAF has not
   */
  public static managed(options: ManagedWebAclOptions = {}): WebAcl {
    return new ManagedRules(options);
  }

  /**
   * A web ACL of your own. Let bodies of more than 8 KB pass: the core rule set of AWS blocks them
   * (`SizeRestrictions_BODY`), and with them long messages and uploads.
   *
   * @param webAclArn of a regional web ACL in the load balancer's region
   * @throws for the ARN of something else, of another region, or of an ACL for CloudFront
   */
  public static fromArn(webAclArn: string): WebAcl {
    return new OwnWebAcl(webAclArn);
  }

  /**
   * The ARN, for a load balancer in a scope.
   *
   * @internal
   */
  public abstract _arn(scope: Construct, logSettings: WebAclLogSettings): string;
}

class ManagedRules extends WebAcl {
  public constructor(private readonly options: ManagedWebAclOptions) {
    super();
  }

  public _arn(scope: Construct, logSettings: WebAclLogSettings): string {
    const { rateLimit = 10_000, blockBodyMatches = false } = this.options;
    validateWholeNumber(scope.node.path, "webAcl's rateLimit", rateLimit, 10, 2_000_000_000);
    return new ManagedWebAcl(scope, 'WebAcl', { ...logSettings, rateLimit, blockBodyMatches }).webAclArn;
  }
}

class OwnWebAcl extends WebAcl {
  public constructor(private readonly webAclArn: string) {
    super();
  }

  public _arn(scope: Construct): string {
    if (Token.isUnresolved(this.webAclArn)) return this.webAclArn;
    const { region } = Stack.of(scope);
    const known = !Token.isUnresolved(region);
    const got = REGIONAL_WEB_ACL.exec(this.webAclArn)?.[1];
    if (got === undefined || (known && got !== region)) {
      const where = known ? region : 'the region';
      throw new Error(
        `${scope.node.path}: webAcl is '${this.webAclArn}', wanted the ARN of a regional web ACL in ${where} ` +
          '(arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID): give that of the right scope and region',
      );
    }
    return this.webAclArn;
  }
}
