import * as fs from 'fs';
import { UsageError } from '../usage-error';

/** Where prices were read. */
export interface PriceSource {
  readonly name: string;
  readonly url: string;
  /** When they were read, or dated there: `2026-09-03`. */
  readonly date: string;
}

export interface Price {
  /** US dollars for one unit. */
  readonly usd: number;
  readonly source: string;
}

/** US dollars for a million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  readonly source: string;
}

/** The form of `prices.json` and of a file of the caller's own: region or model, then source, then what. */
interface PriceFile {
  readonly sources: Record<string, PriceSource>;
  readonly regions?: Record<string, Record<string, Record<string, number>>>;
  readonly models?: Record<string, Record<string, { readonly input: number; readonly output: number }>>;
}

const PACKAGED = `${__dirname}/prices.json`;

/** Prices, each with where it is from. What is not in it is unknown: there is no price by likeness or by another region. */
export class PriceTable {
  /** Those of the package, and before them those of a file in the same form, if one is given. */
  public static read(ownFile?: string): PriceTable {
    return new PriceTable([...(ownFile === undefined ? [] : [priceFile(ownFile)]), priceFile(PACKAGED)]);
  }

  private constructor(private readonly files: PriceFile[]) {}

  public get sources(): Record<string, PriceSource> {
    return Object.assign({}, ...[...this.files].reverse().map(({ sources }) => sources));
  }

  public get regions(): string[] {
    return [...new Set(this.files.flatMap((file) => Object.keys(file.regions ?? {})))].sort();
  }

  /** @param what e.g. `fargate/x86/vcpu-hour` */
  public price(region: string, what: string): Price | undefined {
    for (const file of this.files) {
      for (const [source, prices] of Object.entries(file.regions?.[region] ?? {})) {
        if (prices[what] !== undefined) return { usd: prices[what], source };
      }
    }
    return undefined;
  }

  /** @param id foundation model or inference profile, exactly as Bedrock is called: their prices differ */
  public model(id: string): ModelPrice | undefined {
    for (const file of this.files) {
      for (const [source, models] of Object.entries(file.models ?? {})) {
        if (models[id]) return { ...models[id], source };
      }
    }
    return undefined;
  }
}

function priceFile(file: string): PriceFile {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`--prices ${file}: no such file, wanted prices in the form of cli/cost/prices.json`);
  }
  let parsed: PriceFile;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--prices ${file}: is not JSON (${(error as Error).message}): mend it`);
  }
  const fault = faultOf(parsed);
  if (fault)
    throw new UsageError(`--prices ${file}: ${fault}, wanted the form of cli/cost/prices.json: see docs/cost.md`);
  return parsed;
}

function faultOf(file: PriceFile): string | undefined {
  if (!isRecord(file) || !isRecord(file.sources)) return 'has no sources';
  const groups = [...Object.values(file.regions ?? {}), file.models ?? {}];
  for (const group of groups) {
    if (!isRecord(group)) return 'has a group that is none';
    for (const [source, prices] of Object.entries(group)) {
      if (!file.sources[source]) return `has prices of the source '${source}', which is not among its sources`;
      if (!isRecord(prices)) return `has no prices in '${source}'`;
      for (const [what, value] of Object.entries(prices as Record<string, unknown>)) {
        const numbers = isRecord(value) ? [value.input, value.output] : [value];
        if (!numbers.every(isPrice)) return `has ${JSON.stringify(value)} for '${what}', which is no price`;
      }
    }
  }
  return undefined;
}

function isPrice(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
