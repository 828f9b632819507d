import { Properties, StackTemplate } from '../../lib/checks/template';

/** A resource of a template, to be changed. */
export interface MutableResource {
  Type: string;
  Properties: Properties;
  DependsOn?: string | string[];
  DeletionPolicy?: string;
}

/** A copy of an app's templates that a test changes. */
export class Mutant {
  public readonly stacks: StackTemplate[];

  public constructor(good: StackTemplate[]) {
    this.stacks = structuredClone(good);
  }

  private get templates(): { Resources: Record<string, MutableResource>; Outputs?: Properties }[] {
    return this.stacks.map(({ template }) => template as never);
  }

  /** Logical ids and resources of a type. */
  public all(type: string): [id: string, resource: MutableResource][] {
    return this.templates.flatMap(({ Resources: resources }) =>
      Object.entries(resources ?? {}).filter(([, resource]) => resource.Type === type),
    );
  }

  /** The one resource of a type that a test is about, by a predicate if there are more. */
  public find(type: string, is: (resource: MutableResource, id: string) => boolean = () => true): MutableResource {
    const found = this.all(type).filter(([id, resource]) => is(resource, id));
    if (found.length === 0) throw new Error(`no such ${type}`);
    return found[0][1];
  }

  /** Its logical id. */
  public id(resource: MutableResource): string {
    return this.all(resource.Type).find(([, each]) => each === resource)![0];
  }

  /** Properties of such a resource. */
  public properties(type: string, is?: (resource: MutableResource, id: string) => boolean): Properties {
    return this.find(type, is).Properties;
  }

  /** Adds a resource to the stack that holds the service. */
  public add(id: string, Type: string, Properties: Properties = {}): void {
    const home = this.templates.find(({ Resources }) =>
      Object.values(Resources ?? {}).some((resource) => resource.Type === 'AWS::ECS::Service'),
    )!;
    home.Resources[id] = { Type, Properties };
  }

  public remove(type: string, is?: (resource: MutableResource, id: string) => boolean): void {
    const id = this.id(this.find(type, is));
    this.templates.forEach(({ Resources }) => delete Resources?.[id]);
  }

  public output(name: string, value: unknown): void {
    const home = this.templates.find(({ Resources }) =>
      Object.values(Resources ?? {}).some((resource) => resource.Type === 'AWS::ECS::Service'),
    )!;
    home.Outputs = { ...home.Outputs, [name]: { Value: value } };
  }

  /** Adds a condition or a parameter to the stack that holds the service. */
  public declare(section: 'Conditions' | 'Parameters', id: string, definition: Properties): void {
    const home = this.stacks.find(({ template }) =>
      Object.values(template.Resources ?? {}).some((resource) => resource.Type === 'AWS::ECS::Service'),
    )!.template as Properties;
    home[section] = { ...home[section], [id]: definition };
  }

  /** The task definition that serves, not the one that migrates. */
  public task(): MutableResource {
    return this.find('AWS::ECS::TaskDefinition', ({ Properties: { ContainerDefinitions: containers } }) =>
      containers.some(({ Command }: Properties) => Command?.includes('server')),
    );
  }

  public container(name: 'gateway' | 'letta'): Properties {
    return this.task().Properties.ContainerDefinitions.find(({ Name }: Properties) => Name === name);
  }

  /** Sets a variable of a container, or takes it away. */
  public variable(container: 'gateway' | 'letta', name: string, value: unknown): void {
    const definition = this.container(container);
    definition.Environment = definition.Environment.filter(({ Name }: Properties) => Name !== name);
    if (value !== undefined) definition.Environment.push({ Name: name, Value: value });
  }

  /** The value of a variable of a container. */
  public valueOf(container: 'gateway' | 'letta', name: string): unknown {
    return this.container(container).Environment.find(({ Name }: Properties) => Name === name)?.Value;
  }

  /** Logical id of the role of the task that serves. */
  public role(property: 'TaskRoleArn' | 'ExecutionRoleArn'): string {
    return this.task().Properties[property]['Fn::GetAtt'][0];
  }

  /** Statements of the policy of a role of the task that serves. */
  public statements(property: 'TaskRoleArn' | 'ExecutionRoleArn' = 'TaskRoleArn'): Properties[] {
    const role = this.role(property);
    return this.properties('AWS::IAM::Policy', ({ Properties }) =>
      Properties.Roles.some(({ Ref }: Properties) => Ref === role),
    ).PolicyDocument.Statement;
  }

  /** The statement of the task role's that names an action and, in its resources, a text. */
  public statement(action: string, resource = ''): Properties {
    const found = this.statements().find(
      ({ Action, Resource }) => [Action].flat().includes(action) && JSON.stringify(Resource).includes(resource),
    );
    if (!found) throw new Error(`no statement ${action} ${resource}`);
    return found;
  }

  /** The endpoint of a service, by the end of its name. */
  public endpoint(service: string): MutableResource {
    return this.find('AWS::EC2::VPCEndpoint', ({ Properties: { ServiceName: name } }) =>
      (typeof name === 'string' ? name : name['Fn::Join'][1].at(-1)).endsWith(`.${service}`),
    );
  }

  /** Reference to the secret whose value is the API password. */
  public apiPassword(): Properties {
    return { Ref: this.id(this.find('AWS::SecretsManager::Secret')) };
  }

  /** Reference to the security group of the tasks. */
  public taskGroup(): Properties {
    return this.properties('AWS::ECS::Service').NetworkConfiguration.AwsvpcConfiguration.SecurityGroups[0];
  }
}
