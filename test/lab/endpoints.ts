import type { Statement } from './iam-policy';
import type { Template } from './template';

interface Endpoint {
  readonly ServiceName: string;
  readonly VpcEndpointType?: string;
  readonly PolicyDocument?: { readonly Statement: Statement[] };
  readonly SecurityGroupIds?: string[];
}

/** Interface endpoints of the template's VPC: statements of their policies, by service such as `bedrock-runtime`. */
export function interfaceEndpoints(template: Template): Map<string, Statement[] | undefined> {
  return new Map(endpointsOf(template).map(({ service, PolicyDocument }) => [service, PolicyDocument?.Statement]));
}

/** Statements of the gateway endpoint of S3, if the template's VPC has one; without a policy of its own it lets all through. */
export function s3Gateway(template: Template): Statement[] | undefined {
  const gateway = template
    .ofType('AWS::EC2::VPCEndpoint')
    .map(([id]) => template.properties<Endpoint>(id))
    .find(({ ServiceName, VpcEndpointType }) => VpcEndpointType === 'Gateway' && ServiceName.endsWith('.s3'));
  return gateway && (gateway.PolicyDocument?.Statement ?? [EVERYTHING]);
}

const EVERYTHING: Statement = { Effect: 'Allow', Action: '*', Resource: '*' };

/** The endpoints' security groups, by service. */
export function endpointGroups(template: Template): Map<string, string[]> {
  return new Map(endpointsOf(template).map(({ service, SecurityGroupIds }) => [service, SecurityGroupIds ?? []]));
}

function endpointsOf(template: Template): (Endpoint & { service: string })[] {
  return template
    .ofType('AWS::EC2::VPCEndpoint')
    .map(([id]) => template.properties<Endpoint>(id))
    .filter(({ VpcEndpointType }) => VpcEndpointType === 'Interface')
    .map((endpoint) => ({ ...endpoint, service: endpoint.ServiceName.split('.').slice(3).join('.') }));
}
