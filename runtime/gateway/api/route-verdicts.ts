import { RouteGroup } from '../../contract';
import { ROUTES, RouteTraits, Rule } from './route-table';

export type Verdict =
  | { readonly allowed: true; readonly route: string; readonly traits: RouteTraits }
  | { readonly allowed: false; readonly status: 403 | 404; readonly detail: string; readonly route?: string };

/** @param administrator whether the caller has shown the administrators' password */
export type JudgeRoute = (method: string, segments: readonly string[], administrator: boolean) => Verdict;

interface Row {
  readonly pattern: string;
  readonly parts: readonly string[];
  readonly methods: ReadonlySet<string>;
  readonly rule: Rule;
}

/** What is known of a row before any request: a verdict for everybody, and one for administrators. */
interface JudgedRow {
  readonly methods: ReadonlySet<string>;
  readonly strictness: number;
  readonly everybody: Verdict;
  readonly administrators: Verdict;
}

/** One step of a path: by name, by `*`; `rows` end here, `folders` hold all that comes after, and here as well. */
interface Step {
  readonly named: Map<string, Step>;
  any?: Step;
  readonly rows: JudgedRow[];
  readonly folders: JudgedRow[];
}

const ROWS: readonly Row[] = Object.entries(ROUTES).flatMap(([pattern, rules]) =>
  rules.map(([methods, rule]) => ({
    pattern,
    parts: pattern.slice(1).split('/'),
    methods: new Set(methods.split(' ')),
    rule,
  })),
);

const STRICTNESS = { open: 0, administrators: 1, closed: 2, never: 3 } as const;

const UNKNOWN: Verdict = {
  allowed: false,
  status: 404,
  detail: 'no route of this method and path is forwarded to the Letta server',
};

/**
 * Makes the judge of requests by their method and decoded path segments. Where several rows match, the strictest wins,
 * so that the order of rows (or of the server's own routes) never opens anything. All verdicts are made here, once.
 */
export function routeJudge(opened: ReadonlySet<RouteGroup>): JudgeRoute {
  const root = newStep();
  for (const row of ROWS) {
    const { rule } = row;
    const judged: JudgedRow = {
      methods: row.methods,
      strictness: STRICTNESS[rule.kind],
      everybody: verdictOf(row, opened, false),
      administrators: verdictOf(row, opened, true),
    };
    place(root, row.parts, judged);
  }
  return (method, segments, administrator) => {
    if (segments[0] !== 'v1' && segments[0] !== 'latest') return UNKNOWN;
    const row = strictest(root, segments, 1, method, undefined);
    if (row === undefined) return UNKNOWN;
    return administrator ? row.administrators : row.everybody;
  };
}

function newStep(): Step {
  return { named: new Map(), rows: [], folders: [] };
}

function place(root: Step, parts: readonly string[], row: JudgedRow): void {
  let step = root;
  for (const part of parts) {
    if (part === '**') return void step.folders.push(row);
    if (part === '*') step = step.any ??= newStep();
    else {
      const next = step.named.get(part) ?? newStep();
      step.named.set(part, next);
      step = next;
    }
  }
  step.rows.push(row);
}

/** The strictest row that matches from this step on, or the one found before. */
function strictest(
  step: Step,
  segments: readonly string[],
  at: number,
  method: string,
  found: JudgedRow | undefined,
): JudgedRow | undefined {
  let best = stricter(step.folders, method, found);
  if (at === segments.length) return stricter(step.rows, method, best);
  const named = step.named.get(segments[at]);
  if (named) best = strictest(named, segments, at + 1, method, best);
  return step.any ? strictest(step.any, segments, at + 1, method, best) : best;
}

function stricter(rows: readonly JudgedRow[], method: string, found: JudgedRow | undefined): JudgedRow | undefined {
  let best = found;
  for (const row of rows) {
    if (!row.methods.has(method) && !row.methods.has('*')) continue;
    if (best === undefined || row.strictness >= best.strictness) best = row;
  }
  return best;
}

function verdictOf({ rule, pattern: route }: Row, opened: ReadonlySet<RouteGroup>, administrator: boolean): Verdict {
  const { turn, body, maxBodyBytes } = rule;
  const allowed: Verdict = { allowed: true, route, traits: { turn, body, maxBodyBytes } };
  const refused = (detail: string): Verdict => ({ allowed: false, status: 403, route, detail });
  switch (rule.kind) {
    case 'open':
      return allowed;
    case 'administrators':
      if (administrator || (rule.group !== undefined && opened.has(rule.group))) return allowed;
      return refused(
        `this route is open to administrators only: ${rule.why}; their password is the one of the LettaService prop \`administratorPassword\``,
      );
    case 'closed':
      if (opened.has(rule.group) || (rule.or !== undefined && opened.has(rule.or))) return allowed;
      return refused(`this route is closed: ${rule.why}; what opens it is the LettaService prop \`${rule.group}\``);
    case 'never':
      return refused(`this route is closed for good: ${rule.why}`);
  }
}

/** Rows of the table, for documentation and for the check against the server's own list of routes. */
export function routeTable(): readonly {
  readonly methods: readonly string[];
  readonly pattern: string;
  readonly rule: Rule;
}[] {
  return ROWS.map(({ methods, pattern, rule }) => ({ methods: [...methods], pattern, rule }));
}
