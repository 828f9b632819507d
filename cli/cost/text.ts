import { FixedCost, Estimate, UsageCost } from './estimate';

/** Units of the price table in words, and how many of them a price is told for. */
const UNITS: Record<string, [words: string, count: number]> = {
  gb: ['a GB', 1],
  'gb-month': ['a GB and month', 1],
  'gb-second': ['1,000 GB and seconds', 1000],
  'io-request': ['1,000,000', 1_000_000],
  'lcu-hour': ['a unit and hour', 1],
  'metric-month': ['a metric and month', 1],
  query: ['1,000,000', 1_000_000],
  request: ['1,000,000', 1_000_000],
  'text-unit': ['1,000 units of text', 1000],
  transition: ['1,000', 1000],
};

export function dollars(amount: number): string {
  const digits = amount !== 0 && Math.abs(amount) < 1 ? 4 : 2;
  const text = amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: digits });
  return `$${text}`;
}

/** A sum of money, in cents. */
export function sum(amount: number): string {
  return `$${amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

export function monthly({ monthly, mostMonthly }: Pick<FixedCost, 'monthly' | 'mostMonthly'>): string {
  return mostMonthly > monthly ? `${sum(monthly)} to ${sum(mostMonthly)}` : sum(monthly);
}

export function perUnit({ price, unitPrice }: UsageCost): string {
  if (unitPrice === undefined) return 'unknown';
  const [words, count] = UNITS[price.split('/').pop()!] ?? [price, 1];
  return `${dollars(unitPrice * count)} for ${words}`;
}

/** The first line of a report. */
export function headline({ stack, region, monthly: total, unknown }: Estimate): string {
  const least = monthly({ monthly: total.least, mostMonthly: total.most });
  const gaps = unknown.length === 0 ? '' : `, and ${unknown.length} of unknown price`;
  return `${stack} in ${region}: ${least} a month${gaps}, and what depends on use`;
}

export function turnInWords({ calls, inputTokens, outputTokens }: Estimate['turn']): string {
  const count = (number: number): string => number.toLocaleString('en-US');
  return `${count(calls)} ${calls === 1 ? 'call' : 'calls'} of the model with ${count(inputTokens)} tokens in and ${count(outputTokens)} out`;
}
