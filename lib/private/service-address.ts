import { Token } from 'aws-cdk-lib';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { Construct } from 'constructs';
import { LettaLoadBalancerOptions } from '../letta-load-balancer-options';

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const HOST_NAME = new RegExp(`^(?=.{1,253}$)(${LABEL}\\.)+${LABEL}$`);

/** The name that clients use, and the zone that has it. @throws for a name that is none, or one of another zone */
export function validateAddress(scope: Construct, { domainName, hostedZone }: LettaLoadBalancerOptions): void {
  const { path } = scope.node;
  if (domainName === undefined) {
    if (!hostedZone) return;
    throw new Error(
      `${path}: hostedZone is given without domainName, wanted the name that clients use: give domainName, e.g. ` +
        "'letta.example.com'",
    );
  }
  if (Token.isUnresolved(domainName)) return;
  if (!HOST_NAME.test(domainName)) {
    throw new Error(
      `${path}: domainName is '${domainName}', wanted a host name in lower case such as letta.example.com: give it without ` +
        'scheme, port, path or last dot',
    );
  }
  const zoneName = hostedZone && nameOf(hostedZone);
  if (zoneName === undefined || domainName === zoneName || domainName.endsWith(`.${zoneName}`)) return;
  throw new Error(
    `${path}: domainName is '${domainName}', which is not in hostedZone '${zoneName}', wanted a name in that zone: change ` +
      'one of them',
  );
}

/** A zone imported by its id alone does not know its name, and says so by throwing. */
function nameOf(zone: route53.IHostedZone): string | undefined {
  try {
    return Token.isUnresolved(zone.zoneName) ? undefined : zone.zoneName.replace(/\.$/, '');
  } catch {
    return undefined;
  }
}
