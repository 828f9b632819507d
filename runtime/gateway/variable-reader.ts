import { canonicalDestination } from './egress/egress-target';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Collects problems instead of throwing at the first. */
export class VariableReader {
  readonly problems: string[] = [];

  constructor(private readonly environment: Environment) {}

  problem(name: string, what: string): void {
    this.problems.push(`${name} ${what}`);
  }

  private raw(name: string): string | undefined {
    return this.environment[name] || undefined;
  }

  matching(name: string, pattern: RegExp): string {
    const value = this.raw(name);
    if (value === undefined) this.problem(name, 'is missing');
    else if (!pattern.test(value)) this.problem(name, `is malformed: got ${quote(value)}, wanted ${pattern}`);
    return value ?? '';
  }

  optional(name: string, pattern: RegExp): string | undefined {
    return this.raw(name) === undefined ? undefined : this.matching(name, pattern);
  }

  /** Unset is false. */
  flag(name: string): boolean {
    return this.optional(name, /^(true|false)$/) === 'true';
  }

  path(name: string): string {
    return this.matching(name, /^\/[^\0\r\n"']+$/);
  }

  integer(name: string, least: number, most: number, fallback?: number): number {
    const value = this.raw(name);
    if (value === undefined && fallback !== undefined) return fallback;
    const number = /^\d{1,9}$/.test(value ?? '') ? Number(value) : NaN;
    if (value === undefined) this.problem(name, 'is missing');
    else if (!(number >= least && number <= most)) {
      this.problem(name, `is malformed: got ${quote(value)}, wanted an integer from ${least} to ${most}`);
    }
    return number;
  }

  listOf<T extends string>(name: string, known: readonly T[], { least = 0 } = {}): T[] {
    const items = splitList(this.raw(name));
    const unknown = items.filter((item) => !(known as readonly string[]).includes(item));
    if (unknown.length > 0)
      this.problem(name, `is malformed: got ${quote(unknown.join(','))}, wanted any of ${known.join(', ')}`);
    else if (items.length < least) this.problem(name, `is missing: wanted any of ${known.join(', ')}, comma-separated`);
    return items as T[];
  }

  origins(name: string): string[] {
    const items = splitList(this.raw(name));
    for (const item of items) {
      if (!isOrigin(item))
        this.problem(name, `is malformed: got ${quote(item)}, wanted origins such as https://app.example.com`);
    }
    return items;
  }

  destinations(name: string): string[] {
    return splitList(this.raw(name)).map((item) => {
      const destination = canonicalDestination(item);
      if (destination === undefined)
        this.problem(name, `is malformed: got ${quote(item)}, wanted host:port such as mcp.example.com:443`);
      return destination ?? '';
    });
  }

  json<T>(name: string, validate: (value: unknown) => T): T {
    const value = this.raw(name);
    if (value === undefined) this.problem(name, 'is missing');
    else {
      try {
        return validate(JSON.parse(value));
      } catch (error) {
        this.problem(name, `is malformed: ${error instanceof SyntaxError ? 'not JSON' : (error as Error).message}`);
      }
    }
    return [] as T;
  }

  /** ECS injects one of these; without it there is no task role and nothing could be signed. */
  containerCredentials(): void {
    if (!this.raw('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI') && !this.raw('AWS_CONTAINER_CREDENTIALS_FULL_URI')) {
      this.problem('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'is missing: the task has no task role');
    }
  }
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;
}

function splitList(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** A value as a problem shows it: cut to a length that a log line bears. */
export function quote(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 120);
}
