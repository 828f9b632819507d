import { App, Stack } from 'aws-cdk-lib';
import { constructPath, Template, type Resource, type TemplateDocument } from '../lab/template';
import { AccountValues } from './account-values';
import { managedPolicy } from './managed-policies';

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource?: string | string[];
  readonly Principal?: '*' | Record<string, string | string[]>;
  readonly Condition?: Record<string, Record<string, string | string[]>>;
}

export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: PolicyStatement[];
}

/** A role as the template makes it, with all that decides what it may do. */
export interface Role {
  /** Construct path in its stack. */
  readonly name: string;
  readonly arn: string;
  readonly identity: PolicyDocument[];
  readonly boundary?: PolicyDocument;
  readonly trust: PolicyDocument;
}

/** An endpoint of the VPC, by which calls leave it. */
export interface Endpoint {
  /** Such as `bedrock-runtime` or, for the gateway, `s3`. */
  readonly service: string;
  readonly id: string;
  readonly vpc: string;
  readonly policy?: PolicyDocument;
}

/** A resource of the deployment's stacks. */
export interface Deployed {
  readonly name: string;
  readonly id: string;
  readonly resource: Resource;
  readonly template: Template;
}

export interface DeploymentOptions {
  readonly app: App;
  /** Stacks whose resources are looked at; names of their constructs must not meet. */
  readonly stacks: Stack[];
  readonly region: string;
  /** The organization of the account, where the stacks name one. */
  readonly organization?: string;
  /** What an imported policy says, by ARN: of boundaries that the stack does not make. */
  readonly policies?: Record<string, PolicyDocument>;
}

export const ACCOUNT = '111122223333';

/** Stacks as they would stand in an account: every function of the templates resolved, policies found by role. */
export class Deployment {
  readonly account = ACCOUNT;
  readonly region: string;
  readonly organization?: string;
  readonly resources: Deployed[] = [];
  private readonly exports = new Map<string, () => unknown>();

  constructor(private readonly options: DeploymentOptions) {
    this.region = options.region;
    this.organization = options.organization;
    const assembly = options.app.synth();
    const values = new AccountValues(ACCOUNT, this.region, (name) => this.exports.get(name)?.());
    for (const { stackName } of options.stacks) {
      const document = assembly.getStackByName(stackName).template as TemplateDocument & {
        Outputs?: Record<string, { Value: unknown; Export?: { Name: string } }>;
      };
      const environment = {
        'AWS::AccountId': ACCOUNT,
        'AWS::Region': this.region,
        'AWS::StackName': stackName,
        'AWS::StackId': `arn:aws:cloudformation:${this.region}:${ACCOUNT}:stack/${stackName}/1ab2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d`,
      };
      const template = new Template(document, assembly.directory, values, environment);
      for (const { Value, Export } of Object.values(document.Outputs ?? {})) {
        if (Export) this.exports.set(Export.Name, () => template.resolve(Value));
      }
      for (const [id, resource] of Object.entries(document.Resources)) {
        const name = constructPath(resource).replace(/\/(Resource|Default)$/, '');
        this.resources.push({ name, id, resource, template });
      }
    }
  }

  ofType(type: string): Deployed[] {
    return this.resources.filter(({ resource }) => resource.Type === type);
  }

  /** @throws unless the name of one resource of the type is or ends so */
  only(type: string, name: string): Deployed {
    const found = this.ofType(type).filter((deployed) => `/${deployed.name}`.endsWith(`/${name}`));
    if (found.length === 1) return found[0];
    const names = this.ofType(type).map((deployed) => deployed.name);
    throw new Error(`${found.length} resources ${type} are named '${name}'; there are: ${names.join(', ')}`);
  }

  properties<T>({ template, id }: Deployed): T {
    return template.properties<T>(id);
  }

  ref(type: string, name: string): string {
    const { template, id } = this.only(type, name);
    return String(template.resolve({ Ref: id }));
  }

  attribute(type: string, name: string, attribute: string): string {
    const { template, id } = this.only(type, name);
    return String(template.resolve({ 'Fn::GetAtt': [id, attribute] }));
  }

  arn(service: string, resource: string, region: string = this.region, account: string = this.account): string {
    return `arn:aws:${service}:${region}:${account}:${resource}`;
  }

  roles(): Role[] {
    return this.ofType('AWS::IAM::Role').map((role) => this.roleOf(role));
  }

  role(name: string): Role {
    return this.roleOf(this.only('AWS::IAM::Role', name));
  }

  endpoints(): Endpoint[] {
    return this.ofType('AWS::EC2::VPCEndpoint').map((endpoint) => {
      const { ServiceName, PolicyDocument, VpcId } = this.properties<{
        ServiceName: string;
        PolicyDocument?: PolicyDocument;
        VpcId: string;
      }>(endpoint);
      const service = ServiceName.split('.').slice(3).join('.');
      return {
        service,
        vpc: VpcId,
        policy: PolicyDocument,
        id: String(endpoint.template.resolve({ Ref: endpoint.id })),
      };
    });
  }

  /** Policy of a key, bucket or secret, by the name of the construct that it belongs to. */
  resourcePolicy(type: 'key' | 'bucket' | 'secret', name: string): PolicyDocument | undefined {
    if (type === 'key') {
      return this.properties<{ KeyPolicy: PolicyDocument }>(this.only('AWS::KMS::Key', name)).KeyPolicy;
    }
    const [policyType, resourceType, property, document] = {
      bucket: ['AWS::S3::BucketPolicy', 'AWS::S3::Bucket', 'Bucket', 'PolicyDocument'],
      secret: ['AWS::SecretsManager::ResourcePolicy', 'AWS::SecretsManager::Secret', 'SecretId', 'ResourcePolicy'],
    }[type];
    const of = this.ref(resourceType, name);
    const policies = this.ofType(policyType).map((policy) => this.properties<Record<string, unknown>>(policy));
    return policies.find((policy) => policy[property] === of)?.[document] as PolicyDocument | undefined;
  }

  private roleOf({ id, name, template, resource }: Deployed): Role {
    const properties = template.properties<{
      AssumeRolePolicyDocument: PolicyDocument;
      ManagedPolicyArns?: string[];
      PermissionsBoundary?: string;
      Policies?: { PolicyDocument: PolicyDocument }[];
    }>(id);
    const roleName = String(template.resolve({ Ref: id }));
    const attached = [...this.ofType('AWS::IAM::Policy'), ...this.ofType('AWS::IAM::ManagedPolicy')]
      .map((policy) => this.properties<{ Roles?: string[]; PolicyDocument: PolicyDocument }>(policy))
      .filter(({ Roles }) => Roles?.includes(roleName))
      .map(({ PolicyDocument }) => PolicyDocument);
    const inline = (properties.Policies ?? []).map(({ PolicyDocument }) => PolicyDocument);
    const managed = (properties.ManagedPolicyArns ?? []).map((arn) => this.policy(arn));
    return {
      name: name || resource.Type,
      arn: String(template.resolve({ 'Fn::GetAtt': [id, 'Arn'] })),
      identity: [...managed, ...inline, ...attached],
      boundary: properties.PermissionsBoundary ? this.policy(properties.PermissionsBoundary) : undefined,
      trust: properties.AssumeRolePolicyDocument,
    };
  }

  private policy(arn: string): PolicyDocument {
    const own = this.ofType('AWS::IAM::ManagedPolicy').find(
      ({ template, id }) => template.resolve({ Ref: id }) === arn,
    );
    if (own) return this.properties<{ PolicyDocument: PolicyDocument }>(own).PolicyDocument;
    return this.options.policies?.[arn] ?? managedPolicy(arn);
  }
}
