import { ExportVariable } from '../../runtime/contract';
import { keysIn, list, Properties, Resource, Templates, text } from './template';

/** Properties that name others without making them a part of it: peers, and whom a policy speaks of. */
const NOT_PARTS = new Set([
  'SecurityGroupIngress',
  'SecurityGroupEgress',
  'SourceSecurityGroupId',
  'DestinationSecurityGroupId',
  'PolicyDocument',
  'KeyPolicy',
  'AssumeRolePolicyDocument',
  'Policies',
  'ResourcePolicy',
]);

/** Resources that configure another one, and the property that names it. */
const CONFIGURES: Record<string, string> = {
  'AWS::EC2::SecurityGroupIngress': 'GroupId',
  'AWS::EC2::SecurityGroupEgress': 'GroupId',
  'AWS::EC2::SubnetRouteTableAssociation': 'SubnetId',
  'AWS::EC2::Route': 'RouteTableId',
  'AWS::EC2::VPCEndpoint': 'VpcId',
  'AWS::EC2::FlowLog': 'ResourceId',
  'AWS::Route53Resolver::FirewallRuleGroupAssociation': 'VpcId',
  'AWS::ElasticLoadBalancingV2::Listener': 'DefaultActions',
  'AWS::ElasticLoadBalancingV2::ListenerRule': 'Actions',
  'AWS::IAM::Policy': 'Roles',
  'AWS::IAM::ManagedPolicy': 'Roles',
  'AWS::IAM::RolePolicy': 'RoleName',
  'AWS::S3::BucketPolicy': 'Bucket',
  'AWS::SecretsManager::ResourcePolicy': 'SecretId',
  'AWS::Lambda::Permission': 'FunctionName',
  'AWS::Lambda::Url': 'TargetFunctionArn',
};

/** A container of a task that runs Letta. */
export interface Container {
  readonly task: Resource;
  readonly index: number;
  readonly name: string;
  readonly definition: Properties;
  readonly environment: Record<string, unknown>;
}

/** What of an app belongs to Letta: its tasks, and all that they stand on. Other workloads are none of our business. */
export class LettaParts {
  /** Task definitions that run Letta. */
  public readonly tasks: Resource[];
  /** Their containers. */
  public readonly containers: Container[];
  public readonly services: Resource[];
  private readonly keys = new Set<string>();

  public constructor(public readonly templates: Templates) {
    this.tasks = templates.ofType('AWS::ECS::TaskDefinition').filter(runsLetta);
    this.containers = this.tasks.flatMap(containersOf);
    this.collect();
    this.services = this.ofType('AWS::ECS::Service');
  }

  /** Resources of these types that belong to Letta. */
  public ofType(...types: string[]): Resource[] {
    return this.templates.ofType(...types).filter(({ key }) => this.keys.has(key));
  }

  /** Custom resources that belong to Letta. */
  public customResources(): Resource[] {
    return this.templates.resources.filter((resource) => isCustom(resource) && this.keys.has(resource.key));
  }

  /** Containers that hold the task role and speak for Letta. */
  public gateways(): Container[] {
    return this.containers.filter(isGateway);
  }

  /** Containers that run Letta's own code. */
  public lettaContainers(): Container[] {
    return this.containers.filter((container) => !isGateway(container) && isLetta(container));
  }

  /** The task definition that a service runs, if it is in the app. */
  public taskOf(service: Resource): Resource | undefined {
    return this.templates.named(service.properties.TaskDefinition)[0];
  }

  /** Security groups that a resolved value names. */
  public groupsIn(value: unknown): Resource[] {
    return this.templates.named(value).filter(({ type }) => type === 'AWS::EC2::SecurityGroup');
  }

  /** Subnets that Letta's tasks, functions and stores are in. */
  public subnets(): Resource[] {
    const users = [
      ...this.services.map(({ properties }) => properties.NetworkConfiguration),
      ...this.ofType('AWS::Lambda::Function').map(({ properties }) => properties.VpcConfig),
      ...this.ofType('AWS::RDS::DBSubnetGroup', 'AWS::ElastiCache::SubnetGroup').map(({ properties }) => properties),
    ];
    return this.templates.named(users).filter(({ type }) => type === 'AWS::EC2::Subnet');
  }

  /** VPCs of those subnets. */
  public vpcs(): Resource[] {
    return this.templates
      .named(this.subnets().map(({ properties }) => properties.VpcId))
      .filter(({ type }) => type === 'AWS::EC2::VPC');
  }

  /** Whether a resource stands before another one is made, directly or by way of others. */
  public standsBefore(first: string, last: Resource): boolean {
    const seen = new Set<string>();
    const queue = [last.key];
    for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
      const resource = this.templates.get(key);
      if (!resource || seen.has(key)) continue;
      seen.add(key);
      queue.push(...resource.dependsOn, ...keysIn(resource.properties));
    }
    return last.key !== first && seen.has(first);
  }

  private collect(): void {
    const taskKeys = new Set(this.tasks.map(({ key }) => key));
    const users = this.templates.resources.filter(({ properties }) =>
      keysIn(properties).some((key) => taskKeys.has(key)),
    );
    [...this.tasks, ...users].forEach((resource) => this.add(resource));
    const configuring = this.templates.resources.filter(({ type }) => type in CONFIGURES);
    for (let size = -1; size !== this.keys.size;) {
      size = this.keys.size;
      for (const resource of configuring) {
        const owners = keysIn(resource.properties[CONFIGURES[resource.type]]);
        if (owners.some((key) => this.keys.has(key))) this.add(resource);
      }
      this.servingEndpoints().forEach((endpoint) => this.add(endpoint));
    }
  }

  /** Endpoints of a VPC that the app does not make: told by its id, by subnets of Letta's, or as a peer of Letta's. */
  private servingEndpoints(): Resource[] {
    const own = this.templates.resources.filter(({ key }) => this.keys.has(key));
    const vpcs = new Set(own.flatMap(({ properties }) => textsIn(properties.VpcId)));
    const subnets = new Set(
      this.ofType('AWS::ECS::Service').flatMap(({ properties }) =>
        textsIn(properties.NetworkConfiguration?.AwsvpcConfiguration?.Subnets),
      ),
    );
    const peers = new Set(
      own.flatMap(({ properties: { SecurityGroupEgress: rules, DestinationSecurityGroupId: peer } }) => [
        ...keysIn(peer),
        ...list(rules).flatMap(({ DestinationSecurityGroupId: each }: Properties) => keysIn(each)),
      ]),
    );
    return this.templates
      .ofType('AWS::EC2::VPCEndpoint')
      .filter(
        ({ properties: { VpcId: vpc, SubnetIds, SecurityGroupIds } }) =>
          textsIn(vpc).some((each) => vpcs.has(each)) ||
          textsIn(SubnetIds).some((each) => subnets.has(each)) ||
          keysIn(SecurityGroupIds).some((each) => peers.has(each)),
      );
  }

  private add(resource: Resource): void {
    if (this.keys.has(resource.key)) return;
    this.keys.add(resource.key);
    const parts = Object.entries(resource.properties).filter(([name]) => !NOT_PARTS.has(name));
    parts.flatMap(([, value]) => this.templates.named(value)).forEach((part) => this.add(part));
    // Of what must merely stand before, only deployment steps are Letta's own.
    for (const key of resource.dependsOn) {
      const before = this.templates.get(key);
      if (before && isCustom(before)) this.add(before);
    }
  }
}

/** Values of a list that are text. */
function textsIn(value: unknown): string[] {
  return list(value).filter((each) => typeof each === 'string');
}

/** Whether a resource is made by a function. */
export function isCustom({ type }: Resource): boolean {
  return type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource';
}

/** Containers of a task definition. */
export function containersOf(task: Resource): Container[] {
  return list(task.properties.ContainerDefinitions).map((definition: Properties, index) => ({
    task,
    index,
    name: String(definition.Name),
    definition,
    environment: Object.fromEntries(
      list(definition.Environment).map(({ Name: name, Value: value }: Properties) => [name, value]),
    ),
  }));
}

/** The gateway, and not Letta itself with a variable of the gateway's. */
export function isGateway({ environment, definition }: Container): boolean {
  return 'GATEWAY_LISTENERS' in environment && !LETTA_IMAGE.test(text(definition.Image ?? ''));
}

/** A client of Letta's has variables such as LETTA_BASE_URL; these are the server's. */
const SERVER_VARIABLE = /^LETTA_(PG|REDIS|UVICORN|DEFAULT|SERVER)_/;

/** Image of Letta, whatever registry it was copied to. */
const LETTA_IMAGE = /(^|\/)letta\/letta([:@]|$)/;
/** A copy under another name is Letta's if it serves on Letta's port. */
const COPY_OF_LETTA = /(^|[/-])letta(-server)?([:@]|$)/;
const LETTA_PORT = 8283;

function isLetta({ definition }: Container): boolean {
  const image = text(definition.Image ?? '');
  return (
    list([definition.Environment, definition.Secrets].flat()).some((variable) =>
      SERVER_VARIABLE.test(text(variable?.Name ?? '')),
    ) ||
    LETTA_IMAGE.test(image) ||
    (COPY_OF_LETTA.test(image) &&
      list(definition.PortMappings).some((mapping) => Number(mapping?.ContainerPort) === LETTA_PORT))
  );
}

/** Exports agents, or brings them back. */
function isExport({ environment }: Container): boolean {
  return ExportVariable.PASSWORD_SECRET in environment;
}

function runsLetta(task: Resource): boolean {
  return containersOf(task).some((container) => isGateway(container) || isLetta(container) || isExport(container));
}
