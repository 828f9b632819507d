import path from 'node:path';
import { Account } from './account';

/** A resource of a template, as CloudFormation reads it. */
export interface Resource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly DependsOn?: string | string[];
  readonly Metadata?: Record<string, string>;
}

export interface TemplateDocument {
  readonly Resources: Record<string, Resource>;
  readonly Mappings?: Record<string, Record<string, Record<string, unknown>>>;
  readonly Parameters?: Record<string, { readonly Default?: unknown }>;
  readonly Outputs?: Record<string, { readonly Value: unknown }>;
}

/** Gives what AWS would only know after creating a resource; undefined for what the lab has no opinion about. */
export interface ResourceValues {
  ref(id: string, resource: Resource): unknown;
  attribute(id: string, name: string, resource: Resource): unknown;
  /** What another stack exports under this name. */
  imported?(name: string): unknown;
}

const pseudo: Record<string, unknown> = {
  'AWS::AccountId': Account.ID,
  'AWS::Region': Account.REGION,
  'AWS::Partition': Account.PARTITION,
  'AWS::URLSuffix': Account.URL_SUFFIX,
  'AWS::StackName': 'LettaBedrockStack',
  'AWS::StackId': `arn:aws:cloudformation:${Account.REGION}:${Account.ID}:stack/LettaBedrockStack/1ab2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d`,
  'AWS::NoValue': undefined,
};

/** A synthesized template whose intrinsic functions are resolved with the lab's values. */
export class Template {
  constructor(
    readonly document: TemplateDocument,
    /** The cloud assembly's folder, where assets are. */
    readonly folder: string,
    private readonly values: ResourceValues,
    /** Values of pseudo parameters, where they are not the lab's. */
    private readonly environment: Record<string, unknown> = {},
  ) {}

  resource(id: string): Resource {
    const resource = this.document.Resources[id];
    if (!resource) throw new Error(`the template has no resource ${id}`);
    return resource;
  }

  /** Resources of a type: logical id and resource. */
  ofType(type: string): [string, Resource][] {
    return Object.entries(this.document.Resources).filter(([, resource]) => resource.Type === type);
  }

  /**
   * The one resource of a type, or of those whose construct path ends so.
   *
   * @throws when there is none or more than one
   */
  only(type: string, pathEnd = ''): [string, Resource] {
    const found = this.ofType(type).filter(([, resource]) => constructPath(resource).endsWith(pathEnd));
    if (found.length !== 1) {
      const all = this.ofType(type).map(([id, resource]) => constructPath(resource) || id);
      throw new Error(`wanted one ${type} at …${pathEnd}, got ${found.length} of: ${all.join(', ') || 'none'}`);
    }
    return found[0];
  }

  /** A resource's properties with every function resolved. */
  properties<T = Record<string, unknown>>(id: string): T {
    return this.resolve(this.resource(id).Properties ?? {}) as T;
  }

  /** Folder of a function's code. */
  assetFolder(id: string): string {
    const asset = this.resource(id).Metadata?.['aws:asset:path'];
    if (!asset) throw new Error(`${id} has no metadata aws:asset:path; the lab synthesizes with asset metadata`);
    return path.resolve(this.folder, asset);
  }

  resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.resolve(item)).filter((item) => item !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    if (entries.length === 1 && (entries[0][0] === 'Ref' || entries[0][0].startsWith('Fn::'))) {
      return this.call(entries[0][0], entries[0][1]);
    }
    const resolved = entries.map(([key, item]) => [key, this.resolve(item)] as const);
    return Object.fromEntries(resolved.filter(([, item]) => item !== undefined));
  }

  /** Logical ids in an order in which each comes after all it refers to or depends on. */
  creationOrder(): string[] {
    const order = new Set<string>();
    const open = new Set<string>();
    const visit = (id: string) => {
      if (order.has(id)) return;
      if (open.has(id)) throw new Error(`the template's dependencies form a cycle through ${id}`);
      open.add(id);
      this.dependencies(id).forEach(visit);
      order.add(id);
    };
    Object.keys(this.document.Resources).forEach(visit);
    return [...order];
  }

  /** Logical ids a resource directly refers to or depends on. */
  dependencies(id: string): string[] {
    const resource = this.resource(id);
    const found = new Set<string>([resource.DependsOn ?? []].flat());
    collectReferences(resource.Properties, found);
    return [...found].filter((name) => name in this.document.Resources);
  }

  private call(name: string, argument: unknown): unknown {
    switch (name) {
      case 'Ref':
        return this.ref(argument as string);
      case 'Fn::GetAtt':
        return this.attribute(Array.isArray(argument) ? argument.join('.') : String(argument));
      case 'Fn::Join': {
        const [separator, parts] = argument as [string, unknown];
        return (this.resolve(parts) as unknown[]).join(separator);
      }
      case 'Fn::Sub':
        return this.substitute(argument);
      case 'Fn::Select': {
        const [index, list] = argument as [unknown, unknown];
        return (this.resolve(list) as unknown[])[Number(this.resolve(index))];
      }
      case 'Fn::Split': {
        const [separator, text] = argument as [string, unknown];
        return String(this.resolve(text)).split(separator);
      }
      case 'Fn::FindInMap':
        return this.findInMap((argument as unknown[]).map((item) => this.resolve(item)) as string[]);
      case 'Fn::GetAZs':
        return ['a', 'b', 'c'].map((zone) => `${String(this.ref('AWS::Region'))}${zone}`);
      case 'Fn::ImportValue':
        return this.values.imported?.(String(this.resolve(argument)));
      case 'Fn::Base64':
        return Buffer.from(String(this.resolve(argument))).toString('base64');
      default:
        throw new Error(`the lab does not know the function ${name} of CloudFormation`);
    }
  }

  private findInMap([map, first, second]: string[]): unknown {
    const found = this.document.Mappings?.[map]?.[first]?.[second];
    if (found === undefined) throw new Error(`mapping ${map} has no value for ${first}, ${second}`);
    return this.resolve(found);
  }

  private substitute(argument: unknown): string {
    const [text, variables] = (Array.isArray(argument) ? argument : [argument, {}]) as [
      string,
      Record<string, unknown>,
    ];
    return text.replace(/\$\{(!?)([^}]+)\}/g, (whole, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (name in variables) return String(this.resolve(variables[name]));
      return String(name.includes('.') ? this.attribute(name) : this.ref(name)) || whole;
    });
  }

  private ref(name: string): unknown {
    if (name in this.environment) return this.environment[name];
    if (name in pseudo) return pseudo[name];
    const parameter = this.document.Parameters?.[name];
    if (parameter) return parameter.Default;
    return this.values.ref(name, this.resource(name)) ?? `lab-${name}`;
  }

  private attribute(reference: string): unknown {
    const [id, name] = reference.split(/\.(.*)/s);
    return this.values.attribute(id, name, this.resource(id)) ?? `lab-${id}-${name}`;
  }
}

/** Path of the construct that made a resource, without its stack's name. */
export function constructPath(resource: Resource): string {
  return (resource.Metadata?.['aws:cdk:path'] ?? '').replace(/^[^/]+\//, '');
}

function collectReferences(value: unknown, found: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (key === 'Ref') found.add(String(item));
    else if (key === 'Fn::GetAtt') found.add(Array.isArray(item) ? String(item[0]) : String(item).split('.')[0]);
    else if (key === 'Fn::Sub') {
      const text = String(Array.isArray(item) ? item[0] : item);
      for (const match of text.matchAll(/\$\{([^!}.]+)[^}]*\}/g)) found.add(match[1]);
      collectReferences(item, found);
    } else collectReferences(item, found);
  }
}
