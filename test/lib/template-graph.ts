/** A template's resources as a graph: who refers to whom by `Ref`, `Fn::GetAtt`, `Fn::Sub` or `DependsOn`. */
export class TemplateGraph {
  private readonly edges = new Map<string, Set<string>>();

  public constructor(private readonly resources: Record<string, Resource>) {
    for (const [id, resource] of Object.entries(resources)) {
      const targets = new Set<string>();
      collect(resource.Properties, targets);
      [resource.DependsOn ?? []].flat().forEach((target) => targets.add(target));
      this.edges.set(id, new Set([...targets].filter((target) => target in resources && target !== id)));
    }
  }

  public ids(type: string): string[] {
    return Object.keys(this.resources).filter((id) => this.resources[id].Type === type);
  }

  public id(type: string, part = ''): string {
    const found = this.ids(type).filter((id) => id.includes(part));
    if (found.length !== 1) throw new Error(`${found.length} resources ${type} ${part}: ${found.join(', ')}`);
    return found[0];
  }

  public resource(id: string): Resource {
    return this.resources[id];
  }

  public all(): string[] {
    return Object.keys(this.resources);
  }

  /** What a resource refers to itself. */
  public references(id: string): string[] {
    return [...this.edges.get(id)!];
  }

  /** What must stand before a resource is made, and stays until it is deleted. */
  public before(id: string): Set<string> {
    const seen = new Set<string>();
    const visit = (current: string): void =>
      this.edges.get(current)!.forEach((target) => {
        if (!seen.has(target)) {
          seen.add(target);
          visit(target);
        }
      });
    visit(id);
    return seen;
  }

  /** Resources that, by way of others, wait for themselves. */
  public cycles(): string[] {
    return this.all().filter((id) => this.before(id).has(id));
  }
}

export interface Resource {
  readonly Type: string;
  readonly Properties?: Record<string, never>;
  readonly DependsOn?: string | string[];
  readonly DeletionPolicy?: string;
}

function collect(value: unknown, targets: Set<string>): void {
  if (Array.isArray(value)) return value.forEach((item) => collect(item, targets));
  if (typeof value !== 'object' || value === null) return;
  for (const [key, argument] of Object.entries(value)) {
    if (key === 'Ref') targets.add(argument as string);
    else if (key === 'Fn::GetAtt') targets.add(Array.isArray(argument) ? argument[0] : argument.split('.')[0]);
    else if (key === 'Fn::Sub') {
      const text = Array.isArray(argument) ? argument[0] : argument;
      for (const [, name] of text.matchAll(/\$\{(\w+)(\.[\w.]+)?\}/g)) targets.add(name);
    }
    collect(argument, targets);
  }
}
