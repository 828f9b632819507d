import type { Statement } from './iam-policy';
import type { Template } from './template';

interface Endpoint {
  readonly ServiceName: string;
  readonly VpcEndpointType?: string;
  readonly PolicyDocument?: { readonly Statement: Statement[] };
}

/** Interface endpoints of the template's VPC: statements of their policies, by service such as `bedrock-runtime`. */
export function interfaceEndpoints(template: Template): Map<string, Statement[] | undefined> {
  const endpoints = template
    .ofType('AWS::EC2::VPCEndpoint')
    .map(([id]) => template.properties<Endpoint>(id))
    .filter(({ VpcEndpointType }) => VpcEndpointType === 'Interface');
  return new Map(
    endpoints.map(({ ServiceName, PolicyDocument }) => [
      ServiceName.split('.').slice(3).join('.'),
      PolicyDocument?.Statement,
    ]),
  );
}
