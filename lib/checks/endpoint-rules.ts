import { LettaParts } from './letta-parts';
import { routesOut } from './network-rules';
import { Fault, fault, faults, Rule } from './rule';
import { servicesOfSandbox } from './sandbox-parts';
import { isEverybody, Statement, statementsIn } from './statements';
import { isFalse, keysIn, Resource, text } from './template';

const AREA = 'VPC endpoints';

/** Conditions that hold callers to one account or organization. */
const CALLER_KEYS = [
  'aws:principalaccount',
  'aws:principalorgid',
  'aws:principalorgpaths',
  'aws:principalarn',
  'aws:sourceaccount',
  'aws:sourceorgid',
];
/** Conditions that hold what is called to one account or organization. */
const RESOURCE_KEYS = ['aws:resourceaccount', 'aws:resourceorgid', 'aws:resourceorgpaths', 's3:resourceaccount'];

/** `ecr.api`, `s3`, … of `com.amazonaws.eu-west-1.ecr.api`. */
function serviceOf({ properties }: Resource): string {
  return text(properties.ServiceName).replace(/^.*com\.amazonaws\.(?:<[^>]+>|[a-z0-9-]+)\./, '');
}

/** Endpoints of Letta's VPCs whose service takes policies; what partners offer by PrivateLink does not. */
function endpoints(parts: LettaParts): Resource[] {
  return parts
    .ofType('AWS::EC2::VPCEndpoint')
    .filter(({ properties }) => !text(properties.ServiceName).includes('.vpce-svc-'))
    .filter(({ properties }) => !/GatewayLoadBalancer/.test(text(properties.VpcEndpointType)));
}

function faultsOfPolicies(
  parts: LettaParts,
  what: (statement: Statement, endpoint: Resource) => string | undefined,
): Fault[] {
  return endpoints(parts).flatMap((endpoint) =>
    statementsIn(endpoint, 'PolicyDocument', endpoint.properties.PolicyDocument)
      .filter(({ allows }) => allows)
      .flatMap((statement) => {
        const found = what(statement, endpoint);
        return found ? [fault(endpoint, statement.location, found)] : [];
      }),
  );
}

function limitedTo(statement: Statement, keys: string[]): boolean {
  return statement.conditions.some(
    ({ key, operator, values }) =>
      keys.includes(key) && /^(String|Arn)(Equals|Like)/.test(operator) && !values.includes('*'),
  );
}

/** A bucket, or one bucket's objects, named to the end. */
function namesBucket(resource: string): boolean {
  const bucket = resource.split(':::')[1]?.split('/')[0] ?? '';
  return bucket !== '' && !/[*?]/.test(bucket);
}

/** Where a gateway endpoint takes what goes to the service's name, an interface is for those who name the interface. */
function besideGateway(parts: LettaParts, endpoint: Resource): boolean {
  return endpoints(parts).some(
    (other) =>
      (other.properties.VpcEndpointType ?? 'Gateway') === 'Gateway' &&
      serviceOf(other) === serviceOf(endpoint) &&
      text(other.properties.VpcId) === text(endpoint.properties.VpcId),
  );
}

/** What tasks, as their definitions stand, call from inside the VPC. */
function neededServices(parts: LettaParts): string[] {
  const containers = parts.containers;
  const needed = new Set<string>();
  for (const container of containers) {
    const { definition, environment } = container;
    servicesOfSandbox(container).forEach((name) => needed.add(name));
    if (/\.dkr\.ecr\./.test(text(definition.Image))) ['ecr.api', 'ecr.dkr', 's3'].forEach((name) => needed.add(name));
    if (definition.LogConfiguration?.LogDriver === 'awslogs') needed.add('logs');
    if (definition.Secrets || environment.GATEWAY_API_PASSWORD_SECRET_ARN) needed.add('secretsmanager');
    if (environment.GATEWAY_CHAT_MODELS ?? environment.GATEWAY_EMBEDDING_MODELS) needed.add('bedrock-runtime');
  }
  return [...needed];
}

function missingEndpoints(parts: LettaParts): Fault[] {
  if (routesOut(parts).length > 0) return [];
  return parts.vpcs().flatMap((vpc) => {
    const there = parts
      .ofType('AWS::EC2::VPCEndpoint')
      .filter(({ properties }) => keysIn(properties.VpcId).includes(vpc.key))
      .map(serviceOf);
    // With none at all, they are somebody else's: in another app, or behind a transit gateway.
    if (there.length === 0) return [];
    return neededServices(parts)
      .filter((service) => !there.includes(service))
      .map((service) => fault(vpc, '', `no endpoint for ${service}`));
  });
}

/** Where AWS is called from inside the VPC. */
export const ENDPOINT_RULES: Rule[] = [
  {
    id: 'endpoint-without-policy',
    area: AREA,
    reason: "a VPC endpoint without a policy lets everybody do everything through it, with another account's keys too",
    fix: 'give the endpoint a policy: your account, the actions and the resources that are called',
    judge: (parts) =>
      faults(endpoints(parts), 'PolicyDocument', ({ properties }) => !properties.PolicyDocument && 'no policy'),
  },
  {
    id: 'endpoint-for-everybody',
    area: AREA,
    reason:
      "an endpoint's policy lets everybody call: who brings keys of another account can carry data out to that account",
    fix: 'add the condition aws:PrincipalAccount or aws:PrincipalOrgID; the image layers of ECR alone are called without',
    judge: (parts) =>
      faultsOfPolicies(parts, (statement) => {
        const bounded = limitedTo(statement, CALLER_KEYS) || limitedTo(statement, RESOURCE_KEYS);
        const exactBuckets = statement.resources.length > 0 && statement.resources.every(namesBucket);
        return isEverybody(statement.principal) && !bounded && !exactBuckets
          ? 'a statement for every principal'
          : undefined;
      }),
  },
  {
    id: 'endpoint-every-action',
    area: AREA,
    reason: "an endpoint's policy allows every action of a service",
    fix: 'name the actions that are called',
    judge: (parts) =>
      faultsOfPolicies(parts, ({ actions }) => {
        const every = actions.find((action) => /^(\*|[a-z0-9-]+:\*)$/i.test(action));
        return every && `action ${every}`;
      }),
  },
  {
    id: 'endpoint-any-bucket',
    area: AREA,
    reason: 'the S3 endpoint reaches buckets of other accounts: data can be written there',
    fix: "name the buckets (ECR's layer bucket and your own), or add the condition aws:ResourceAccount or aws:ResourceOrgID",
    judge: (parts) =>
      faultsOfPolicies(parts, (statement, endpoint) =>
        serviceOf(endpoint) === 's3' && !statement.resources.every(namesBucket) && !limitedTo(statement, RESOURCE_KEYS)
          ? `resource ${statement.resources.join(', ')}`
          : undefined,
      ),
  },
  {
    id: 'endpoint-without-private-name',
    area: AREA,
    reason: "an interface endpoint without private DNS is not what the service's name leads to, so calls go astray",
    fix: 'set privateDnsEnabled to true, or resolve the name to the endpoint by a hosted zone of your own',
    judge: (parts) =>
      faults(
        endpoints(parts),
        'PrivateDnsEnabled',
        (endpoint) =>
          isFalse(endpoint.properties.PrivateDnsEnabled) &&
          endpoint.properties.VpcEndpointType === 'Interface' &&
          !besideGateway(parts, endpoint) &&
          'false',
      ),
  },
  {
    id: 'endpoint-missing',
    area: AREA,
    reason:
      'the network has no way out and no endpoint for a service that the tasks call, so they do not start or work',
    fix: 'add the endpoint to the VPC',
    judge: missingEndpoints,
  },
];
