import type { StackTemplate } from './template';

/** A way in which an app can be deployed. */
export interface Case {
  /** What each condition is, by `Stack/Condition`. */
  readonly conditions: ReadonlyMap<string, boolean>;
  /** Values of what the conditions compare, e.g. of `Stack/Parameter`; undefined is any that none compares with. */
  readonly values: ReadonlyMap<string, string | undefined>;
}

/** What judging takes is times this; with more cases, those are judged that show most combinations of two conditions. */
const MOST_CASES = 8;
/** Combinations of values that are looked at to find those cases. */
const MOST_COMBINATIONS = 512;

type Values = ReadonlyMap<string, string | undefined>;
type Operand = { readonly literal: string } | { readonly symbol: string; readonly allowed?: string[] };

/** The cases that an app's conditions distinguish. */
export function casesOf(stacks: StackTemplate[]): Case[] {
  const used = stacks.flatMap((stack) => [...usedIn(stack)].map((name): [StackTemplate, string] => [stack, name]));
  const comparisons = new Comparisons(stacks);
  used.forEach(([stack, name]) => comparisons.isTrue(stack, name));
  const cases = new Map<string, Case>();
  for (const values of comparisons.combinations()) {
    const conditions = new Map(
      used.map(([stack, name]): [string, boolean] => [
        `${stack.stackName}/${name}`,
        comparisons.isTrue(stack, name, values),
      ]),
    );
    const key = [...conditions.values()].map(Number).join('');
    if (!cases.has(key)) cases.set(key, { conditions, values });
  }
  return cases.size <= MOST_CASES ? [...cases.values()] : telling([...cases.values()]);
}

/** Cases that show as many combinations of two conditions as so few can. */
function telling(cases: Case[]): Case[] {
  const pairs = new Map(cases.map((each) => [each, pairsOf(each)]));
  const seen = new Set<string>();
  const chosen: Case[] = [];
  const news = (each: Case): number => pairs.get(each)!.filter((pair) => !seen.has(pair)).length;
  while (chosen.length < MOST_CASES) {
    const best = cases.reduce((one, other) => (news(other) > news(one) ? other : one));
    if (news(best) === 0) break;
    chosen.push(best);
    pairs.get(best)!.forEach((pair) => seen.add(pair));
  }
  return chosen;
}

function pairsOf({ conditions }: Case): string[] {
  const all = [...conditions].map(([name, value]) => `${name}=${value}`);
  return all.flatMap((one, index) => all.slice(index).map((other) => `${one} ${other}`));
}

/** Conditions that something in a template depends on. */
function usedIn({ template }: StackTemplate): Set<string> {
  const names = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const branches = (value as { 'Fn::If'?: unknown })['Fn::If'];
    if (Array.isArray(branches)) names.add(String(branches[0]));
    Object.values(value).forEach(walk);
  };
  for (const resource of Object.values(template.Resources ?? {})) {
    // What CDK tells AWS about itself depends on some thirty regions, and is nothing to judge.
    if (resource.Type === 'AWS::CDK::Metadata') continue;
    if (resource.Condition) names.add(String(resource.Condition));
    walk(resource.Properties);
  }
  walk(template.Outputs);
  return names;
}

/** What conditions compare, and with what. */
class Comparisons {
  private readonly literals = new Map<string, Set<string>>();
  private readonly allowed = new Map<string, string[]>();

  public constructor(private readonly stacks: StackTemplate[]) {}

  /** Whether a condition holds with these values; the first call takes down what is compared. */
  public isTrue(stack: StackTemplate, name: string, values: Values = new Map(), within: string[] = []): boolean {
    const definition = stack.template.Conditions?.[name];
    const known = definition !== undefined && !within.includes(name);
    return known
      ? this.holds(stack, definition, values, [...within, name])
      : this.equal({ symbol: `condition ${stack.stackName}/${name}` }, { literal: 'true' }, values);
  }

  /** Values that tell all comparisons apart, in each combination as long as these are few. */
  public combinations(): Values[] {
    const domains = [...this.literals].map(([symbol, literals]): [string, (string | undefined)[]] => {
      const allowed = this.allowed.get(symbol);
      if (!allowed) return [symbol, [...literals, undefined]];
      const other = allowed.filter((value) => !literals.has(value)).slice(0, 1);
      return [symbol, [...allowed.filter((value) => literals.has(value)), ...other]];
    });
    const count = domains.reduce((product, [, domain]) => product * Math.max(domain.length, 1), 1);
    return Array.from({ length: Math.min(count, MOST_COMBINATIONS) }, (_none, index) => {
      let rest = index;
      return new Map(
        domains.map(([symbol, domain], at): [string, string | undefined] => {
          const digit = count <= MOST_COMBINATIONS ? rest : Math.imul(index * 31 + at * 7 + 1, 2654435761) >>> 15;
          rest = Math.floor(rest / Math.max(domain.length, 1));
          return [symbol, domain[digit % domain.length]];
        }),
      );
    });
  }

  private holds(stack: StackTemplate, expression: unknown, values: Values, within: string[]): boolean {
    const [name, argument] = Object.entries(Object(expression))[0] ?? [];
    const parts = Array.isArray(argument) ? argument : [];
    // All parts are looked at, whatever the first says: the first call takes down what is compared.
    const each = (): boolean[] => parts.map((part) => this.holds(stack, part, values, within));
    switch (name) {
      case 'Condition':
        return this.isTrue(stack, String(argument), values, within);
      case 'Fn::Not':
        return !each()[0];
      case 'Fn::And':
        return each().every(Boolean);
      case 'Fn::Or':
        return each().some(Boolean);
      case 'Fn::Equals':
        return this.equal(this.operand(stack, parts[0]), this.operand(stack, parts[1]), values);
      default:
        return this.equal({ symbol: `${stack.stackName} ${JSON.stringify(expression)}` }, { literal: 'true' }, values);
    }
  }

  private equal(one: Operand, other: Operand, values: Values): boolean {
    if ('literal' in one && 'literal' in other) return one.literal === other.literal;
    if ('literal' in one) return this.equal(other, one, values);
    if ('symbol' in other) {
      const both = `${one.symbol} = ${other.symbol}`;
      return one.symbol === other.symbol || this.equal({ symbol: both }, { literal: 'true' }, values);
    }
    const literals = this.literals.get(one.symbol) ?? new Set();
    this.literals.set(one.symbol, literals.add(other.literal));
    if (one.allowed) this.allowed.set(one.symbol, one.allowed);
    return values.get(one.symbol) === other.literal;
  }

  private operand(stack: StackTemplate, value: unknown): Operand {
    if (typeof value !== 'object' || value === null) return { literal: String(value) };
    const name = (value as { Ref?: unknown }).Ref;
    if (typeof name !== 'string') return { symbol: `${stack.stackName} ${JSON.stringify(value)}` };
    if (name === 'AWS::Region' && stack.region) return { literal: stack.region };
    if (name === 'AWS::AccountId' && stack.account) return { literal: stack.account };
    if (name.startsWith('AWS::')) return { symbol: name };
    const parent = stack.parent && this.stacks.find(({ stackName }) => stackName === stack.parent!.stackName);
    const given = parent && givenTo(stack, parent, name);
    if (given !== undefined) return this.operand(parent!, given);
    const allowed = stack.template.Parameters?.[name]?.AllowedValues;
    return { symbol: `${stack.stackName}/${name}`, ...(Array.isArray(allowed) && { allowed: allowed.map(String) }) };
  }
}

/** What a stack gives a parameter of one that is nested in it. */
export function givenTo(stack: StackTemplate, parent: StackTemplate, parameter: string): unknown {
  const maker = parent.template.Resources?.[stack.parent!.logicalId];
  return (maker?.Properties as { Parameters?: Record<string, unknown> } | undefined)?.Parameters?.[parameter];
}
