import { Case, givenTo } from './conditions';
import { followNames, importedRoles } from './names';

/** A resource as a template writes it. */
export interface ResourceDocument {
  readonly Type: string;
  readonly Properties?: unknown;
  readonly DependsOn?: string | string[];
  readonly DeletionPolicy?: string;
  readonly Condition?: string;
}

/** A parameter as a template declares it. */
export interface ParameterDocument {
  readonly Type?: string;
  readonly Default?: unknown;
  readonly AllowedValues?: unknown[];
  readonly NoEcho?: unknown;
}

/** A CloudFormation template, as far as the checks read it. */
export interface TemplateDocument {
  readonly Resources?: Record<string, ResourceDocument>;
  readonly Outputs?: Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: unknown } }>;
  readonly Parameters?: Record<string, ParameterDocument>;
  readonly Conditions?: Record<string, unknown>;
  readonly Mappings?: Record<string, Record<string, Record<string, unknown>>>;
}

/** One stack of an app. */
export interface StackTemplate {
  readonly stackName: string;
  readonly template: TemplateDocument;
  /** Known if the stack is made for one region. */
  readonly region?: string;
  /** Known if the stack is made for one account. */
  readonly account?: string;
  /** Where a nested stack is made. */
  readonly parent?: { readonly stackName: string; readonly logicalId: string };
}

/** Properties without functions of CloudFormation: what only it can know is text such as `<Stack/LogicalId.Arn>`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Properties = Record<string, any>;

/** A resource of an app, whatever stack it is in. */
export interface Resource {
  readonly stackName: string;
  readonly logicalId: string;
  /** `Stack/LogicalId`. */
  readonly key: string;
  readonly type: string;
  readonly properties: Properties;
  readonly dependsOn: string[];
  readonly deletionPolicy?: string;
  /** Made elsewhere: its policies that the app adds are known, and nothing else. */
  readonly imported?: boolean;
}

/** Names a resource in text: `<Stack/LogicalId>` or, of an attribute, `<Stack/LogicalId.Attribute>`. */
const REFERENCE = /<([^<>/]+\/[A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?>/g;

/** Functions whose argument is a list; CloudFormation refuses anything else. */
const LISTS = new Set(['Fn::Join', 'Fn::If', 'Fn::FindInMap', 'Fn::Select', 'Fn::Split']);

/** All templates of an app in one case of their conditions, with references followed from stack to stack. */
export class Templates {
  public readonly resources: Resource[];
  private readonly byKey: Map<string, Resource>;
  private readonly stacks: Map<string, StackTemplate>;
  private readonly nested: Map<string, StackTemplate>;
  private readonly exports = new Map<string, { stack: StackTemplate; value: unknown }>();

  public constructor(
    stacks: StackTemplate[],
    private readonly inCase: Case = { conditions: new Map(), values: new Map() },
  ) {
    this.stacks = new Map(stacks.map((stack) => [stack.stackName, stack]));
    this.nested = new Map(
      stacks
        .filter(({ parent }) => parent)
        .map((stack) => [`${stack.parent!.stackName}/${stack.parent!.logicalId}`, stack]),
    );
    for (const stack of stacks) {
      for (const { Value: value, Export: exported } of Object.values(stack.template.Outputs ?? {})) {
        if (exported) this.exports.set(String(this.plain(stack, exported.Name)), { stack, value });
      }
    }
    this.resources = stacks.flatMap((stack) =>
      Object.entries(stack.template.Resources ?? {})
        .filter(([, { Condition: condition }]) => !condition || this.isTrue(stack, condition))
        .map(([logicalId, document]) => ({
          stackName: stack.stackName,
          logicalId,
          key: `${stack.stackName}/${logicalId}`,
          type: document.Type,
          properties: (this.plain(stack, document.Properties) ?? {}) as Properties,
          dependsOn: [document.DependsOn ?? []].flat().map((id) => `${stack.stackName}/${id}`),
          deletionPolicy: document.DeletionPolicy,
        })),
    );
    this.resources.push(...importedRoles(this));
    followNames(this);
    this.byKey = new Map(this.resources.map((resource) => [resource.key, resource]));
  }

  public ofType(...types: string[]): Resource[] {
    return this.resources.filter(({ type }) => types.includes(type));
  }

  public get(key: string): Resource | undefined {
    return this.byKey.get(key);
  }

  /** Outputs of all stacks, resolved. */
  public outputs(): { stackName: string; name: string; value: unknown }[] {
    return [...this.stacks.values()].flatMap((stack) =>
      Object.entries(stack.template.Outputs ?? {}).map(([name, { Value: value }]) => ({
        stackName: stack.stackName,
        name,
        value: this.plain(stack, value),
      })),
    );
  }

  /** The resources that a resolved value names. */
  public named(value: unknown): Resource[] {
    return [...new Set(keysIn(value))].map((key) => this.get(key)).filter((found) => found !== undefined);
  }

  private isTrue(stack: StackTemplate, condition: unknown): boolean {
    return this.inCase.conditions.get(`${stack.stackName}/${String(condition)}`) ?? true;
  }

  private plain(stack: StackTemplate, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.plain(stack, item)).filter((item) => item !== undefined);
    // CloudFormation refuses null; here it is nothing.
    if (value === null) return undefined;
    if (typeof value !== 'object') return value;
    const entries = Object.entries(value);
    if (entries.length === 1 && (entries[0][0] === 'Ref' || entries[0][0].startsWith('Fn::'))) {
      return this.call(stack, entries[0][0], entries[0][1]);
    }
    return Object.fromEntries(
      entries.map(([key, item]) => [key, this.plain(stack, item)]).filter(([, item]) => item !== undefined),
    );
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  private call(stack: StackTemplate, name: string, argument: any): unknown {
    if (LISTS.has(name) && !Array.isArray(argument)) return `${name}(${text(argument)})`;
    switch (name) {
      case 'Ref':
        return this.ref(stack, String(argument));
      case 'Fn::GetAtt':
        return this.attribute(
          stack,
          Array.isArray(argument) ? argument.map(String) : String(argument).split(/\.(.*)/, 2),
        );
      case 'Fn::Join': {
        const parts = this.plain(stack, argument[1]);
        return Array.isArray(parts) ? parts.map(text).join(String(argument[0])) : text(parts);
      }
      case 'Fn::Sub':
        return this.substitute(stack, argument);
      case 'Fn::If':
        return this.plain(stack, argument[this.isTrue(stack, argument[0]) ? 1 : 2]);
      case 'Fn::Select': {
        const [index, items] = [this.plain(stack, argument[0]), this.plain(stack, argument[1])];
        const item = Array.isArray(items) && !isUnknown(text(items)) ? items[Number(index)] : undefined;
        return item ?? `${name}(${text(index)},${text(items)})`;
      }
      case 'Fn::Split': {
        const [separator, written] = [String(argument[0]), text(this.plain(stack, argument[1]))];
        return isUnknown(written) ? `${name}(${separator},${written})` : written.split(separator);
      }
      case 'Fn::ImportValue': {
        const exported = this.exports.get(text(this.plain(stack, argument)));
        return exported ? this.plain(exported.stack, exported.value) : `${name}(${text(this.plain(stack, argument))})`;
      }
      case 'Fn::GetStackOutput': {
        const producer = this.stacks.get(String(argument?.StackName));
        const output = producer?.template.Outputs?.[String(argument?.OutputName)];
        return output ? this.plain(producer!, output.Value) : `${name}(${text(argument)})`;
      }
      case 'Fn::FindInMap': {
        const [map, key, second] = (argument as unknown[]).map((item) => text(this.plain(stack, item)));
        return stack.template.Mappings?.[map]?.[key]?.[second] ?? `${name}(${map},${key},${second})`;
      }
      default:
        return `${name}(${text(this.plain(stack, argument))})`;
    }
  }

  private ref(stack: StackTemplate, name: string): unknown {
    if (name === 'AWS::NoValue') return undefined;
    if (name === 'AWS::Region' && stack.region) return stack.region;
    if (name === 'AWS::AccountId' && stack.account) return stack.account;
    if (name.startsWith('AWS::')) return `<${name}>`;
    if (!stack.template.Parameters?.[name]) return `<${stack.stackName}/${name}>`;
    const parent = stack.parent && this.stacks.get(stack.parent.stackName);
    const given = parent && givenTo(stack, parent, name);
    return given === undefined ? this.parameter(stack, name) : this.plain(parent!, given);
  }

  /** The value that conditions ask for, or the default. */
  private parameter(stack: StackTemplate, name: string): unknown {
    const { Type: type = '', Default: byDefault, NoEcho: secret } = stack.template.Parameters![name];
    const key = `${stack.stackName}/${name}`;
    if (isTrue(secret)) return `<NoEcho:${name}>`;
    // The default of a parameter of Systems Manager is the name there, not the value.
    if (/^AWS::SSM::/.test(type)) return `<${name}>`;
    const value = this.inCase.values.get(key) ?? byDefault;
    const excluded = this.inCase.values.has(key) && this.inCase.values.get(key) === undefined;
    if (value === undefined || excluded) return `<${name}>`;
    return /List/.test(type) ? text(value).split(/\s*,\s*/) : value;
  }

  private attribute(stack: StackTemplate, [id, attribute = '']: string[]): unknown {
    const nested = this.nested.get(`${stack.stackName}/${id}`);
    const output = attribute.startsWith('Outputs.') && nested?.template.Outputs?.[attribute.slice('Outputs.'.length)];
    return output ? this.plain(nested!, output.Value) : `<${stack.stackName}/${id}.${attribute}>`;
  }

  private substitute(stack: StackTemplate, argument: unknown): string {
    const [pattern, variables] = Array.isArray(argument) ? argument : [argument, {}];
    return String(pattern).replace(/\$\{(!?)([^}]+)\}/g, (_all, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (name in Object(variables)) return text(this.plain(stack, variables[name]));
      return text(name.includes('.') ? this.attribute(stack, name.split(/\.(.*)/, 2)) : this.ref(stack, name));
    });
  }
}

/** A resolved value as text. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const known = texts.get(value) ?? JSON.stringify(value);
  texts.set(value, known);
  return known;
}

/** What is resolved is not changed any more, and is read by many rules. */
const texts = new WeakMap<object, string>();

/** A resolved value as a list, whether the template gave one, a single value or nothing. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function list(value: unknown): any[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

/** Keys of the resources that a resolved value names. */
export function keysIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return keysOf(value);
  if (typeof value !== 'object' || value === null) return [];
  const known = keys.get(value) ?? Object.entries(value).flatMap(([name, item]) => [...keysOf(name), ...keysIn(item)]);
  keys.set(value, known);
  return known;
}

/** As `texts`. */
const keys = new WeakMap<object, readonly string[]>();

function keysOf(written: string): string[] {
  // Most values name nothing: a look is cheaper than a search.
  return written.includes('<') ? [...written.matchAll(REFERENCE)].map(([, key]) => key) : [];
}

/** Whether a resolved value is true, written as a boolean or as text. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}

/** Whether a resolved value is false, written as a boolean or as text; what only CloudFormation knows is not. */
export function isFalse(value: unknown): boolean {
  return value === false || value === 'false';
}

/** Whether only CloudFormation knows the value. */
export function isUnknown(value: unknown): boolean {
  return typeof value === 'string' && /<[^<>]+>|Fn::[A-Za-z]+\(/.test(value);
}
