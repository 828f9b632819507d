import { Resource, Synthesized } from '../synthesized';
import { CostLine } from './cost-line';
import { ModelCost, Turn, chatModels, modelCost } from './model-cost';
import { PriceSource, PriceTable } from './price-table';
import { PRICED, isFree } from './resource-types';

/** Something with a price by the month. */
export interface FixedCost {
  readonly resource: string;
  readonly what: string;
  readonly price: string;
  readonly unitPrice: number;
  /** US dollars a month at least. */
  readonly monthly: number;
  /** US dollars a month at most, for what grows by itself. */
  readonly mostMonthly: number;
  readonly source: string;
}

/** Something that is billed by use: the price of a unit, not a sum. */
export interface UsageCost {
  readonly what: string;
  readonly price: string;
  /** Not there if it is unknown. */
  readonly unitPrice?: number;
  readonly source?: string;
  readonly resources: string[];
}

/** Something that costs, nobody here knows how much. */
export interface UnknownCost {
  readonly resource: string;
  readonly what: string;
  readonly why: string;
}

export interface Estimate {
  readonly stack: string;
  readonly region: string;
  readonly currency: 'USD';
  /** Sum of what has a price by the month. Where `unknown` is not empty, the bill is higher. */
  readonly monthly: { readonly least: number; readonly most: number };
  readonly fixed: FixedCost[];
  readonly usage: UsageCost[];
  readonly unknown: UnknownCost[];
  readonly turn: Turn;
  readonly models: ModelCost[];
  /** Those that the figures above are from. */
  readonly sources: Record<string, PriceSource>;
}

export interface EstimateOptions {
  readonly region: string;
  readonly table: PriceTable;
  readonly turn: Turn;
  /** @default - those of the stack */
  readonly models?: string[];
}

/** What a synthesized stack costs, without taxes, discounts and free tiers. */
export function estimate(stack: Synthesized, { region, table, turn, models }: EstimateOptions): Estimate {
  const fixed: FixedCost[] = [];
  const usage = new Map<string, UsageCost>();
  const unknown: UnknownCost[] = [];
  for (const [logicalId, resource] of Object.entries(stack.resources)) {
    const name = nameOf(logicalId, resource);
    const pricer = PRICED[resource.Type];
    if (!pricer) {
      if (!isFree(resource.Type))
        unknown.push({ resource: name, what: resource.Type, why: 'nothing is known of the type' });
      continue;
    }
    for (const line of pricer(resource.Properties ?? {}, stack.resources, logicalId)) {
      if ('unknown' in line) unknown.push({ resource: name, what: line.what, why: line.unknown });
      else addLine(name, line);
    }
  }

  function addLine(resource: string, line: CostLine): void {
    const { what, price, quantity, most = quantity } = line;
    const found = table.price(region, price);
    if (quantity === undefined || most === undefined) {
      const resources = [...(usage.get(price)?.resources ?? []), resource];
      usage.set(price, { what, price, ...(found && { unitPrice: found.usd, source: found.source }), resources });
    } else if (found) {
      const { usd: unitPrice, source } = found;
      const sums = { monthly: quantity * unitPrice, mostMonthly: most * unitPrice };
      fixed.push({ resource, what, price, unitPrice, ...sums, source });
    } else {
      unknown.push({ resource, what, why: `no price of ${price} in ${region} in the table` });
    }
  }

  fixed.sort((one, other) => other.monthly - one.monthly);
  const sum = (costs: number[]): number => costs.reduce((all, each) => all + each, 0);
  const modelCosts = (models ?? chatModels(stack.resources)).map((model) => modelCost(table, model, turn));
  const used = new Set([...fixed, ...usage.values(), ...modelCosts].map(({ source }) => source));
  return {
    stack: stack.name,
    region,
    currency: 'USD',
    monthly: { least: sum(fixed.map(({ monthly }) => monthly)), most: sum(fixed.map((each) => each.mostMonthly)) },
    fixed,
    usage: [...usage.values()],
    unknown,
    turn,
    models: modelCosts,
    sources: Object.fromEntries(Object.entries(table.sources).filter(([source]) => used.has(source))),
  };
}

/** The path in the app, which `cdk synth` notes, or else the logical id. */
function nameOf(logicalId: string, { Metadata }: Resource): string {
  const path = Metadata?.['aws:cdk:path'];
  if (typeof path !== 'string') return logicalId;
  return (
    path
      .split('/')
      .slice(1)
      .join('/')
      .replace(/\/(Resource|Default)$/, '') || logicalId
  );
}
