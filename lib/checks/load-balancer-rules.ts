import { LettaParts } from './letta-parts';
import { Fault, fault, faults, Rule } from './rule';
import { statementsIn } from './statements';
import { isUnknown, keysIn, list, Properties, Resource, text } from './template';

const AREA = 'Load balancer';

const LISTENER = 'AWS::ElasticLoadBalancingV2::Listener';

function loadBalancers(parts: LettaParts): Resource[] {
  return parts.ofType('AWS::ElasticLoadBalancingV2::LoadBalancer');
}

function listeners(parts: LettaParts): Resource[] {
  return parts.ofType('AWS::ElasticLoadBalancingV2::Listener');
}

function attribute({ properties }: Resource, key: string): unknown {
  return list(properties.LoadBalancerAttributes).find(({ Key }: Properties) => Key === key)?.Value;
}

/** Whether neither the listener nor a rule of it does anything else than redirecting to HTTPS. */
function redirects(parts: LettaParts, listener: Resource): boolean {
  const rules = parts.templates
    .ofType('AWS::ElasticLoadBalancingV2::ListenerRule')
    .filter(({ properties }) => keysIn(properties.ListenerArn).includes(listener.key));
  return [listener.properties.DefaultActions, ...rules.map(({ properties }) => properties.Actions)].every((actions) =>
    list(actions).every(
      ({ Type, RedirectConfig }: Properties) => Type === 'redirect' && RedirectConfig?.Protocol === 'HTTPS',
    ),
  );
}

/** Whether a listener passes TLS on that the gateway ends. */
function passesTlsOn(parts: LettaParts, { properties }: Resource): boolean {
  const groups = parts.templates
    .named(properties.DefaultActions)
    .filter(({ type }) => type === 'AWS::ElasticLoadBalancingV2::TargetGroup');
  return properties.Protocol === 'TCP' && groups.length > 0 && groups.every((group) => speaksTls(parts, group));
}

/** Whether a network load balancer carries connections of TCP to the group, whatever is spoken in them. */
function overTcp({ properties: { Protocol, HealthCheckProtocol } }: Resource): { group: boolean; check: boolean } {
  const network = /^(TCP|TLS|TCP_UDP)$/.test(text(Protocol));
  return { group: /^TCP(_UDP)?$/.test(text(Protocol)), check: (HealthCheckProtocol ?? (network && 'TCP')) === 'TCP' };
}

/** Network load balancers on the internet that have a load balancer of Letta among their targets. */
function publicNeighbours(parts: LettaParts): Resource[] {
  const ofLetta = new Set(loadBalancers(parts).map(({ key }) => key));
  const groups = new Set(
    parts.templates
      .ofType('AWS::ElasticLoadBalancingV2::TargetGroup')
      .filter(({ properties }) => keysIn(properties.Targets).some((key) => ofLetta.has(key) || isListenerOf(key)))
      .map(({ key }) => key),
  );
  function isListenerOf(key: string): boolean {
    const { type, properties } = parts.templates.get(key) ?? {};
    return type === LISTENER && keysIn(properties!.LoadBalancerArn).some((each) => ofLetta.has(each));
  }
  const forwarding = parts.templates
    .ofType(LISTENER)
    .filter(({ properties }) => keysIn(properties.DefaultActions).some((key) => groups.has(key)));
  return parts.templates
    .named(forwarding.map(({ properties }) => properties.LoadBalancerArn))
    .filter(({ key }) => !ofLetta.has(key));
}

/** Services of AWS's edge that lead to a load balancer of Letta, and the property by which they do. */
const EDGES: [type: string, property: string][] = [
  ['AWS::GlobalAccelerator::EndpointGroup', 'EndpointConfigurations'],
  ['AWS::CloudFront::VpcOrigin', 'VpcOriginEndpointConfig'],
  ['AWS::CloudFront::Distribution', 'DistributionConfig'],
  ['AWS::ApiGatewayV2::Integration', 'IntegrationUri'],
];

function edges(parts: LettaParts): Fault[] {
  const own = new Set([...loadBalancers(parts), ...listeners(parts)].map(({ key }) => key));
  return EDGES.flatMap(([type, property]) =>
    parts.templates
      .ofType(type)
      .filter(({ properties }) => keysIn(properties[property]).some((key) => own.has(key)))
      .map((edge) => fault(edge, property, `${type} leads to it`)),
  );
}

/** Target groups that services of Letta put their tasks into. */
function targetGroups(parts: LettaParts): Resource[] {
  return parts.templates.named(
    parts.services.flatMap(({ properties }) =>
      list(properties.LoadBalancers).map(({ TargetGroupArn }) => TargetGroupArn),
    ),
  );
}

/** The gateway behind a target group, and whether it speaks TLS. */
function speaksTls(parts: LettaParts, group: Resource): boolean | undefined {
  for (const service of parts.services) {
    const uses = list(service.properties.LoadBalancers).find((each) => keysIn(each.TargetGroupArn).includes(group.key));
    const task = uses && parts.taskOf(service);
    const gateway = parts.gateways().find((each) => each.task === task && each.name === uses.ContainerName);
    if (gateway) return text(gateway.environment.GATEWAY_API_TLS) === 'true';
  }
  return undefined;
}

/** Buckets of the app that access logs go to, with the load balancer that writes there. */
function logBuckets(parts: LettaParts): [bucket: Resource, loadBalancer: Resource][] {
  return loadBalancers(parts).flatMap((loadBalancer) =>
    text(attribute(loadBalancer, 'access_logs.s3.enabled')) === 'true'
      ? parts.templates
          .named(attribute(loadBalancer, 'access_logs.s3.bucket'))
          .map((bucket): [Resource, Resource] => [bucket, loadBalancer])
      : [],
  );
}

/** Where clients connect to. */
export const LOAD_BALANCER_RULES: Rule[] = [
  {
    id: 'public-load-balancer',
    area: AREA,
    reason: 'the load balancer of Letta is on the internet, which is also what it is without a Scheme',
    fix: 'set the scheme to internal (internetFacing: false) and let clients in by peering, a transit gateway or a VPN',
    judge: (parts) =>
      faults(
        loadBalancers(parts),
        'Scheme',
        ({ properties: { Scheme: scheme } }) =>
          scheme !== 'internal' &&
          !isUnknown(scheme) &&
          `Scheme ${scheme ?? 'is not set, which means internet-facing'}`,
      ),
  },
  {
    id: 'public-way-to-load-balancer',
    area: AREA,
    reason: 'the load balancer is internal, and something on the internet leads to it',
    fix: 'let clients in by peering, a transit gateway or a VPN',
    judge: (parts) => [
      ...faults(
        publicNeighbours(parts),
        'Scheme',
        ({ properties: { Scheme: scheme } }) =>
          scheme !== 'internal' && !isUnknown(scheme) && 'a public load balancer forwards to it',
      ),
      ...edges(parts),
    ],
  },
  {
    id: 'plaintext-listener',
    area: AREA,
    reason: 'password and messages go over the network unencrypted',
    fix: 'give the service a certificate; a listener that only redirects to HTTPS is no finding',
    judge: (parts) =>
      faults(
        listeners(parts),
        'Protocol',
        (listener) =>
          /^(HTTP|TCP|UDP|TCP_UDP)$/.test(text(listener.properties.Protocol)) &&
          !redirects(parts, listener) &&
          !passesTlsOn(parts, listener) &&
          `Protocol ${listener.properties.Protocol}`,
      ),
  },
  {
    id: 'listener-without-certificate',
    area: AREA,
    reason: 'a listener of HTTPS or TLS has no certificate, which Elastic Load Balancing refuses',
    fix: 'give the listener a certificate',
    judge: (parts) =>
      faults(
        listeners(parts),
        'Certificates',
        ({ properties }) =>
          /^(HTTPS|TLS)$/.test(text(properties.Protocol)) && list(properties.Certificates).length === 0 && 'none',
      ),
  },
  {
    id: 'weak-tls',
    area: AREA,
    reason: 'the listener accepts TLS older than 1.2, which is also what it does without a policy',
    fix: 'set sslPolicy to SslPolicy.RECOMMENDED_TLS',
    judge: (parts) =>
      faults(listeners(parts), 'SslPolicy', ({ properties }) => {
        const policy = text(properties.SslPolicy ?? '');
        // Names of the older families tell their oldest version only where it is 1.2.
        const strong = /^ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2|.*-TLS13-1-[23])/.test(policy);
        const tls = /^(HTTPS|TLS)$/.test(text(properties.Protocol));
        return tls && !strong && !isUnknown(policy) && `SslPolicy ${policy || 'is not set: ELBSecurityPolicy-2016-08'}`;
      }),
  },
  {
    id: 'invalid-headers-kept',
    area: AREA,
    reason:
      'the load balancer passes on headers that are no valid HTTP, by which requests can be smuggled to the gateway',
    fix: 'set dropInvalidHeaderFields to true',
    judge: (parts) =>
      faults(loadBalancers(parts), 'LoadBalancerAttributes', (loadBalancer) => {
        const application = /^(application)?$/.test(text(loadBalancer.properties.Type ?? ''));
        const dropped = attribute(loadBalancer, 'routing.http.drop_invalid_header_fields.enabled');
        return application && text(dropped) !== 'true' && 'routing.http.drop_invalid_header_fields.enabled is not true';
      }),
  },
  {
    id: 'access-logs-off',
    area: AREA,
    reason: 'nothing records who called the API',
    fix: 'enable access logs',
    judge: (parts) =>
      faults(
        loadBalancers(parts),
        'LoadBalancerAttributes',
        (loadBalancer) =>
          text(attribute(loadBalancer, 'access_logs.s3.enabled')) !== 'true' && 'access_logs.s3.enabled is not true',
      ),
  },
  {
    id: 'access-logs-key',
    area: AREA,
    reason:
      'access logs go to a bucket that encrypts with a KMS key: Elastic Load Balancing delivers only under SSE-S3',
    fix: 'use a bucket of its own with BucketEncryption.S3_MANAGED',
    judge: (parts) =>
      logBuckets(parts).flatMap(([bucket]) => {
        const encryption = bucket.properties.BucketEncryption?.ServerSideEncryptionConfiguration;
        const algorithm = list(encryption)[0]?.ServerSideEncryptionByDefault?.SSEAlgorithm;
        return /^aws:kms/.test(text(algorithm ?? '')) ? [fault(bucket, 'BucketEncryption', text(algorithm))] : [];
      }),
  },
  {
    id: 'access-logs-refused',
    area: AREA,
    reason: 'the bucket of the access logs lets nobody write them, and the deployment fails',
    fix: 'allow logdelivery.elasticloadbalancing.amazonaws.com s3:PutObject in the policy of the bucket',
    judge: (parts) =>
      logBuckets(parts)
        .filter(
          ([bucket]) =>
            !parts.templates
              .ofType('AWS::S3::BucketPolicy')
              .filter(({ properties }) => keysIn(properties.Bucket).includes(bucket.key))
              .flatMap((policy) => statementsIn(policy, 'PolicyDocument', policy.properties.PolicyDocument))
              .some(
                ({ allows, actions }) => allows && actions.some((action) => /^s3:(Put(Object|\*)|\*)/.test(action)),
              ),
        )
        .map(([bucket]) => fault(bucket, '', 'no policy that allows s3:PutObject')),
  },
  {
    id: 'target-group-without-listener',
    area: AREA,
    reason: 'no listener forwards to the target group of the service: ECS refuses such a service',
    fix: 'let a listener, or a rule of one, forward to it',
    judge: (parts) => {
      const forwarded = new Set([
        ...listeners(parts).flatMap(({ properties }) => keysIn(properties.DefaultActions)),
        ...parts
          .ofType('AWS::ElasticLoadBalancingV2::ListenerRule')
          .flatMap(({ properties }) => keysIn(properties.Actions)),
      ]);
      return faults(targetGroups(parts), '', ({ key }) => !forwarded.has(key) && 'no listener forwards here');
    },
  },
  {
    id: 'target-type',
    area: AREA,
    reason: 'tasks of Fargate are targets by address; ECS refuses a target group of another type',
    fix: 'set targetType to ip',
    judge: (parts) =>
      faults(
        targetGroups(parts),
        'TargetType',
        ({ properties }) => properties.TargetType !== 'ip' && `TargetType ${properties.TargetType ?? 'instance'}`,
      ),
  },
  {
    id: 'target-protocol',
    area: AREA,
    reason: 'load balancer and gateway do not speak the same protocol, so no task becomes healthy',
    fix: "let the target group's protocol and GATEWAY_API_TLS agree; the prop targetProtocol sets both",
    judge: (parts) =>
      faults(targetGroups(parts), 'Protocol', (group) => {
        const tls = speaksTls(parts, group);
        const wanted = tls ? 'HTTPS' : 'HTTP';
        const secured = tls && group.properties.Protocol === 'TLS';
        if (tls === undefined || overTcp(group).group || secured) return false;
        return group.properties.Protocol !== wanted && `${group.properties.Protocol}, gateway ${wanted}`;
      }),
  },
  {
    id: 'health-check-path',
    area: AREA,
    reason: 'the health check does not ask for /v1/health/ as it is written there: Letta answers 307 without the slash',
    fix: 'set the path of the health check to /v1/health/',
    judge: (parts) =>
      faults(targetGroups(parts), 'HealthCheckPath', (group) => {
        const path = text(group.properties.HealthCheckPath ?? '/');
        if (overTcp(group).check) return false;
        return speaksTls(parts, group) !== undefined && path !== '/v1/health/' && !isUnknown(path) && path;
      }),
  },
];
